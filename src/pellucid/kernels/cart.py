"""Fits classification and regression trees of a given size, as plain arrays."""

import random
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

MOST_DIGITS = 17
"""Significant digits that tell any two doubles apart."""
LEAF = -1
"""Feature and children of a leaf."""


class Cart(NamedTuple):
    """A binary tree; node 0 is the root.

    Args:
        features: Shape (nodes,), the input that a node compares; -1 for a leaf.
        thresholds: Shape (nodes,); an input that is not above it goes left. 0 for a leaf.
        children: Shape (nodes, 2), left and right child; -1 for a leaf.
        values: Shape (nodes, outputs): weighted share of each class, or the mean target.
    """

    features: Int[np.ndarray, " nodes"]
    thresholds: Float[np.ndarray, " nodes"]
    children: Int[np.ndarray, "nodes 2"]
    values: Float[np.ndarray, "nodes outputs"]

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return int((self.features == LEAF).sum())


def fit_cart(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Any,
    weights: Float[np.ndarray, " rows"],
    *,
    max_leaves: int,
    n_classes: int | None,
    seed: int,
) -> Cart:
    """Return the tree that best-first growth finds.

    A threshold is the shortest decimal between the two values that it parts, so that what people
    read is what is computed; the parting of the rows is that of the exact middle. Splits that
    change no choice are taken back.

    Args:
        inputs: Shape (rows, inputs).
        targets: Shape (rows,), classes from 0, or (rows, outputs) numbers.
        weights: Shape (rows,), not negative: how much it matters to be right there.
        max_leaves: At least 1.
        n_classes: Number of classes; None for regression.
        seed: Decides between equally good splits.

    Source: Breiman 1984 (CART), by scikit-learn; weights and not resampling.

    Example:
        >>> rows = np.array([[0.0], [1.0], [3.0], [4.0]])
        >>> tree = fit_cart(
        ...     rows, np.array([0, 0, 1, 1]), np.ones(4), max_leaves=2, n_classes=2, seed=0
        ... )
        >>> tree.thresholds[0], tree.children[0].tolist()
        (np.float64(2.0), [1, 2])
    """
    # scikit-learn compares in single precision; so must whoever looks for the rows of a node
    rows = np.asarray(inputs, dtype=np.float32)
    if max_leaves < 2 or not weights.any():
        return _stump(targets, weights, n_classes)
    options = {"max_leaf_nodes": max_leaves, "random_state": seed}
    trees = _sklearn_trees()
    kind = trees.DecisionTreeRegressor if n_classes is None else trees.DecisionTreeClassifier
    fitted = kind(**options).fit(rows, targets, sample_weight=weights)
    return _as_cart(fitted, rows, n_classes)


class Split(NamedTuple):
    """Which column and threshold part targets best, and the weighted impurity that this takes."""

    column: int
    threshold: float
    gain: float


def best_split(
    columns: Float[np.ndarray, "rows columns"],
    targets: Any,
    weights: Float[np.ndarray, " rows"],
    *,
    n_classes: int | None,
    seed: int,
) -> Split | None:
    """Return the best single split; None if no split takes any impurity.

    Args:
        columns: Shape (rows, columns).
        targets: As in `fit_cart`.
        weights: Shape (rows,), not negative, not all 0.
        n_classes: Number of classes; None for regression.
        seed: Decides between equally good splits.

    Example:
        >>> rows = np.array([[0.0, 5.0], [1.0, 1.0], [3.0, 5.0], [4.0, 1.0]])
        >>> split = best_split(rows, np.array([0, 0, 1, 1]), np.ones(4), n_classes=2, seed=0)
        >>> split.column, split.threshold, split.gain
        (0, 2.0, 2.0)
    """
    rows = np.asarray(columns, dtype=np.float32)
    trees = _sklearn_trees()
    kind = trees.DecisionTreeRegressor if n_classes is None else trees.DecisionTreeClassifier
    tree = kind(max_depth=1, random_state=seed).fit(rows, targets, sample_weight=weights).tree_
    if tree.node_count < 3:
        return None
    mass = tree.weighted_n_node_samples * tree.impurity
    return Split(int(tree.feature[0]), float(tree.threshold[0]), float(mass[0] - mass[1] - mass[2]))


def _as_cart(fitted: Any, rows: Float[np.ndarray, "rows inputs"], n_classes: int | None) -> Cart:
    """Return what scikit-learn fitted."""
    tree = fitted.tree_
    values: Float[np.ndarray, "nodes outputs"] = np.array(tree.value, dtype=np.float64)
    if n_classes is None:
        values = values[:, :, 0]
    else:
        shares = values[:, 0, :]
        values = np.zeros((len(shares), n_classes))
        values[:, fitted.classes_.astype(np.int64)] = shares / shares.sum(axis=1, keepdims=True)
    children = np.column_stack((tree.children_left, tree.children_right)).astype(np.int64)
    features = np.where(children[:, 0] == LEAF, LEAF, tree.feature).astype(np.int64)
    thresholds = np.where(features == LEAF, 0.0, tree.threshold).astype(np.float64)
    grown = Cart(features, thresholds, children, values)
    grown = _with_short_thresholds(grown, rows)
    return grown if n_classes is None else without_idle_splits(grown)


def _sklearn_trees() -> Any:
    """Return scikit-learn's trees: every run loads the metrics, and few of them fit one."""
    # its first import draws from Python's global generator, which is the user's
    state = random.getstate()
    try:
        from sklearn import tree
    finally:
        random.setstate(state)
    return tree


def leaves_of(
    cart: Cart, inputs: Float[np.ndarray, "rows inputs"], *, start: int = 0
) -> Int[np.ndarray, " rows"]:
    """Return the leaf that each row ends in.

    Args:
        cart: The tree.
        inputs: Shape (rows, inputs).
        start: The node at which rows enter, the root if not given.
    """
    nodes = np.full(len(inputs), start, dtype=np.int64)
    going = np.flatnonzero(cart.features[nodes] != LEAF)
    while len(going):
        here = nodes[going]
        right = inputs[going, cart.features[here]] > cart.thresholds[here]
        nodes[going] = cart.children[here, right.astype(np.int64)]
        going = going[cart.features[nodes[going]] != LEAF]
    return nodes


def without_idle_splits(cart: Cart) -> Cart:
    """Return the tree without the splits whose leaves all choose the same class."""
    choices = cart.values.argmax(axis=1)
    features, children = cart.features.copy(), cart.children.copy()
    # children come after their parent, so that backwards they are settled first
    for node in range(len(features) - 1, -1, -1):
        if features[node] == LEAF:
            continue
        left, right = children[node]
        settled = features[left] == LEAF and features[right] == LEAF
        if settled and choices[left] == choices[right]:
            choices[node] = choices[left]
            features[node], children[node] = LEAF, LEAF
    return _compact(Cart(features, cart.thresholds, children, cart.values))


def _compact(cart: Cart) -> Cart:
    """Return the tree with the nodes that can be reached, in the order of reading."""
    kept: list[int] = []
    stack = [0]
    while stack:
        node = stack.pop()
        kept.append(node)
        if cart.features[node] != LEAF:
            stack += [int(cart.children[node, 1]), int(cart.children[node, 0])]
    place = np.full(len(cart.features), LEAF, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    features = cart.features[kept]
    leaf = features == LEAF
    children = np.where(leaf[:, None], LEAF, place[cart.children[kept]])
    thresholds = np.where(leaf, 0.0, cart.thresholds[kept])
    return Cart(features, thresholds, children, cart.values[kept])


def _stump(targets: Any, weights: Float[np.ndarray, " rows"], n_classes: int | None) -> Cart:
    """Return a tree of one leaf."""
    if not weights.any():
        weights = np.ones(len(weights))
    rows = np.asarray(targets)
    if n_classes is None:
        values = np.average(rows.reshape(len(rows), -1), axis=0, weights=weights)
    else:
        values = np.bincount(rows, weights=weights, minlength=n_classes) / weights.sum()
    return Cart(
        np.array([LEAF]), np.zeros(1), np.full((1, 2), LEAF), values[None].astype(np.float64)
    )


def _with_short_thresholds(cart: Cart, rows: Float[np.ndarray, "rows inputs"]) -> Cart:
    thresholds = cart.thresholds.copy()
    here: dict[int, Bool[np.ndarray, " rows"]] = {0: np.ones(len(rows), dtype=bool)}
    for node in np.flatnonzero(cart.features != LEAF).tolist():
        inside = here.pop(node)
        column = rows[:, cart.features[node]]
        left = inside & (column <= cart.thresholds[node])
        right = inside & ~left
        if left.any() and right.any():
            low, high = float(column[left].max()), float(column[right].min())
            thresholds[node] = shortest_between(low, high)
        here[int(cart.children[node, 0])], here[int(cart.children[node, 1])] = left, right
    return cart._replace(thresholds=thresholds)


def shortest_between(low: float, high: float) -> float:
    """Return a number t of few digits near the middle, with `low <= t < high`.

    Example:
        >>> shortest_between(0.1234, 0.1291), shortest_between(2.0, 3.0)
        (0.126, 2.5)
    """
    middle = low + (high - low) / 2
    for digits in range(1, MOST_DIGITS + 1):
        short = float(f"{middle:.{digits}g}")
        if low < short < high:
            return short
    return low
