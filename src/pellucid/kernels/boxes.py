"""What a tree can do within a box of inputs, exactly."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.cart import LEAF, Cart


class LeafBoxes(NamedTuple):
    """Where each leaf is reached: above `low` and not above `high` in every input.

    Args:
        leaves: Shape (leaves,), node of each; leaves that no input reaches are left out.
        low: Shape (leaves, inputs).
        high: Shape (leaves, inputs).
    """

    leaves: Int[np.ndarray, " leaves"]
    low: Float[np.ndarray, "leaves inputs"]
    high: Float[np.ndarray, "leaves inputs"]


def leaf_boxes(tree: Cart, n_inputs: int) -> LeafBoxes:
    """Return the box of each leaf.

    Args:
        tree: Its nodes compare single inputs.
        n_inputs: Number of inputs.
    """
    found: list[tuple[int, np.ndarray, np.ndarray]] = []
    stack = [(0, np.full(n_inputs, -np.inf), np.full(n_inputs, np.inf))]
    while stack:
        node, low, high = stack.pop()
        item, limit = int(tree.features[node]), float(tree.thresholds[node])
        if item == LEAF:
            found.append((node, low, high))
            continue
        left, right = (int(child) for child in tree.children[node])
        if limit < high[item]:
            above = low.copy()
            above[item] = max(low[item], limit)
            stack.append((right, above, high))
        if limit > low[item]:
            below = high.copy()
            below[item] = min(high[item], limit)
            stack.append((left, low, below))
    leaves, lows, highs = zip(*found, strict=True)
    return LeafBoxes(np.array(leaves), np.array(lows), np.array(highs))


def reachable_leaves(
    tree: Cart, low: Float[np.ndarray, " inputs"], high: Float[np.ndarray, " inputs"]
) -> Int[np.ndarray, " leaves"]:
    """Return the leaves that some input of a closed box reaches, in the order of their nodes.

    Exact: every leaf that is returned is reached from within the box, and no other one is.

    Args:
        tree: Its nodes compare single inputs.
        low: Shape (inputs,), lower ends.
        high: Shape (inputs,), upper ends, not below.

    Example:
        >>> stump = Cart(np.array([0, -1, -1]), np.array([1.0, 0.0, 0.0]),
        ...              np.array([[1, 2], [-1, -1], [-1, -1]]), np.eye(3)[:, :2])
        >>> reachable_leaves(stump, np.array([0.0]), np.array([1.0])).tolist()
        [1]
    """
    boxes = leaf_boxes(tree, len(low))
    # a leaf holds what is above its lower end: meeting it there alone does not reach it
    met = (high > boxes.low).all(axis=1) & (low <= boxes.high).all(axis=1)
    return np.sort(boxes.leaves[met])


def distances_to_change(
    tree: Cart, inputs: Float[np.ndarray, "rows inputs"], scale: Float[np.ndarray, " inputs"]
) -> Float[np.ndarray, " rows"]:
    """Return by how much all inputs must change at most before a tree can choose another output.

    Exact: the largest change of an input, in units of `scale`, to the nearest leaf that prefers
    another output. Any smaller change leaves the choice; infinite if there is no such leaf.

    Args:
        tree: Its nodes compare single inputs.
        inputs: Shape (rows, inputs).
        scale: Shape (inputs,), unit of each input; an input of unit 0 is held.
    """
    boxes = leaf_boxes(tree, inputs.shape[1])
    choices = tree.values.argmax(axis=1)
    nearest = np.full(len(inputs), np.inf)
    inside = _own_leaf(boxes, inputs)
    own = choices[boxes.leaves[inside]]
    for place, leaf in enumerate(boxes.leaves):
        short = np.maximum(boxes.low[place] - inputs, 0.0)
        over = np.maximum(inputs - boxes.high[place], 0.0)
        gap = short + over
        # at the lower end of an open side one is still outside, however near
        outside = (inputs <= boxes.low[place]) | (inputs > boxes.high[place])
        with np.errstate(divide="ignore", invalid="ignore"):
            units = np.where(scale > 0, gap / scale, np.where(outside, np.inf, 0.0))
        distance = units.max(axis=1)
        nearest = np.where(choices[leaf] != own, np.minimum(nearest, distance), nearest)
    return nearest


def _own_leaf(
    boxes: LeafBoxes, inputs: Float[np.ndarray, "rows inputs"]
) -> Int[np.ndarray, " rows"]:
    inside = (inputs[:, None] > boxes.low) & (inputs[:, None] <= boxes.high)
    return np.asarray(inside.all(axis=2).argmax(axis=1))
