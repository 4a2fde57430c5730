"""Trees whose leaves are linear models, grown where a line fits worst."""

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.cart import LEAF, Cart, leaves_of, shortest_between
from pellucid.kernels.programs import Program, no_weights
from pellucid.kernels.softmax_regression import ridge_regression, short, softmax_regression

N_BINS = 24
"""Thresholds that are tried per input, at equal shares of the rows."""
LEAST_ROWS = 50
"""Rows that a leaf needs beside five for each number of its model."""
RIDGE = 1e-3
LEAST_GAIN = 1e-6
"""Share of all weighted squares that a split must take: less is rounding."""


@dataclass
class _Grown:
    """Nodes in the order in which they came to be."""

    features: list[int]
    thresholds: list[float]
    children: list[list[int]]


def grow_linear_trees(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
    sizes: tuple[int, ...],
) -> list[Cart]:
    """Return trees of growing size, each the one before with more leaves; their values are 0.

    The split that is made next is the one, over all leaves and inputs, that takes most from the
    weighted squares that are left when each leaf is a line.

    Args:
        inputs: Shape (rows, inputs).
        targets: Shape (rows, outputs).
        weights: Shape (rows,), not negative, not all 0.
        sizes: Leaves of each tree, growing; one that cannot be reached repeats the last.

    Source: Liu 2018 (linear model U-trees), the split of largest drop; batch and ridge ours.
    """
    grown = _Grown([LEAF], [0.0], [[LEAF, LEAF]])
    shares = weights / weights.sum()
    least = LEAST_GAIN * float(shares @ (targets**2).sum(axis=1))
    waiting: list[tuple[float, int, int, float, Int[np.ndarray, " rows"]]] = []

    def consider(node: int, rows: Int[np.ndarray, " rows"]) -> None:
        gain, column, threshold = best_line_split(inputs[rows], targets[rows], shares[rows])
        if gain > least:
            heapq.heappush(waiting, (-gain, node, column, threshold, rows))

    consider(0, np.arange(len(inputs)))
    trees: list[Cart] = []
    n_leaves, n_outputs = 1, targets.shape[1]
    for size in sizes:
        while n_leaves < size and waiting:
            _, node, column, threshold, rows = heapq.heappop(waiting)
            right = inputs[rows, column] > threshold
            first = len(grown.features)
            grown.features[node], grown.thresholds[node] = column, threshold
            grown.children[node] = [first, first + 1]
            grown.features += [LEAF, LEAF]
            grown.thresholds += [0.0, 0.0]
            grown.children += [[LEAF, LEAF], [LEAF, LEAF]]
            consider(first, rows[~right])
            consider(first + 1, rows[right])
            n_leaves += 1
        trees.append(_as_cart(grown, n_outputs))
    return trees


def best_line_split(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
) -> tuple[float, int, float]:
    """Return the drop of weighted squares, input and threshold of the best split into two lines.

    Args:
        inputs: Shape (rows, inputs).
        targets: Shape (rows, outputs).
        weights: Shape (rows,).

    Returns:
        A drop of 0 if no split leaves enough rows on both sides.
    """
    middle, spread = inputs.mean(axis=0), inputs.std(axis=0)
    rows = (inputs - middle) / np.where(spread > 0, spread, 1.0)
    columns = np.column_stack([np.ones(len(rows)), rows])
    least = LEAST_ROWS + 5 * columns.shape[1]
    best = (0.0, 0, 0.0)
    if len(rows) < 2 * least:
        return best
    joint = np.column_stack([columns, targets])
    whole = _left_over((joint * weights[:, None]).T @ joint, columns.shape[1])
    for column in range(inputs.shape[1]):
        values = inputs[:, column]
        order = np.argsort(values, kind="stable")
        cuts = _cuts(values[order], least)
        if not len(cuts):
            continue
        ordered, heavy = joint[order], weights[order][:, None]
        edges = [0, *cuts.tolist(), len(order)]
        parts = [(ordered[a:b] * heavy[a:b]).T @ ordered[a:b] for a, b in pairwise(edges)]
        below = np.cumsum(parts, axis=0)
        for place, cut in enumerate(cuts):
            left = _left_over(below[place], columns.shape[1])
            right = _left_over(below[-1] - below[place], columns.shape[1])
            if whole - left - right > best[0]:
                low, high = values[order[cut - 1]], values[order[cut]]
                best = (whole - left - right, column, shortest_between(float(low), float(high)))
    return best


def fit_leaves(
    tree: Cart,
    inputs: Float[np.ndarray, "rows inputs"],
    scores: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
    *,
    n_choices: int | None,
) -> Program:
    """Return a tree with a linear model in every leaf, its numbers rounded to few digits.

    Args:
        tree: The tree; its values are replaced.
        inputs: Shape (rows, inputs).
        scores: Shape (rows, outputs): whose largest is chosen, or numbers to predict.
        weights: Shape (rows,), not negative.
        n_choices: Number of choices; None if scores are predicted.
    """
    leaves = leaves_of(tree, inputs)
    n_outputs = scores.shape[1]
    values = np.zeros((len(tree.features), n_outputs))
    slopes = np.zeros((len(tree.features), n_outputs, inputs.shape[1]))
    for leaf in np.flatnonzero(tree.features == LEAF):
        here = np.flatnonzero(leaves == leaf)
        if not len(here):
            continue
        heavy = weights[here] if weights[here].any() else np.ones(len(here))
        if n_choices is None:
            found = ridge_regression(inputs[here], scores[here], heavy)
        else:
            chosen = scores[here].argmax(axis=1)
            found = softmax_regression(inputs[here], chosen, heavy, n_choices)
        slopes[leaf], values[leaf] = short(found[0]), short(found[1])
    fitted = tree._replace(values=values)
    return Program(fitted, inputs.shape[1], (), slopes if slopes.any() else no_weights())


def _left_over(joint: Float[np.ndarray, "both both"], n_columns: int) -> float:
    """Return the weighted squares that lines leave of the targets, from sums of products."""
    penalty = np.full(n_columns, RIDGE * joint[0, 0])
    penalty[0] = 1e-9 * joint[0, 0]
    gram = joint[:n_columns, :n_columns] + np.diag(penalty)
    cross = joint[:n_columns, n_columns:]
    explained = float((cross * np.linalg.solve(gram, cross)).sum())
    return float(np.trace(joint[n_columns:, n_columns:])) - explained


def _cuts(values: Float[np.ndarray, " rows"], least: int) -> Int[np.ndarray, " cuts"]:
    """Return places in sorted values that part different values and leave enough on both sides."""
    places = np.unique(np.linspace(least, len(values) - least, N_BINS).astype(np.int64))
    # an equal value on both sides would go left with the threshold
    places = np.unique(np.searchsorted(values, values[places - 1], side="right"))
    return places[(places >= least) & (places <= len(values) - least)]


def _as_cart(grown: _Grown, n_outputs: int) -> Cart:
    return Cart(
        np.array(grown.features, dtype=np.int64),
        np.array(grown.thresholds),
        np.array(grown.children, dtype=np.int64),
        np.zeros((len(grown.features), n_outputs)),
    )
