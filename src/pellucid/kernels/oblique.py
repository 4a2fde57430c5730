"""Trees that compare weighted sums of inputs, grown best first."""

import heapq
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.cart import LEAF, Cart, best_split, shortest_between, without_idle_splits
from pellucid.kernels.expressions import linear_text
from pellucid.kernels.programs import Program
from pellucid.kernels.softmax_regression import ridge_regression, short

MOST_INPUTS = 3
"""Inputs that are summed in one test at most: more are not read."""
MOST_PAIRED = 16
"""Inputs of which all pairs are tried; with more, only those a line picks are."""
MOST_ROWS = 8_000
"""Rows among which the best test of a node is looked for, evenly spread if there are more."""
N_RIVALS = 3
"""Choices between which lines are drawn, the heaviest in the node."""
LEAST_GAIN = 1e-9
"""Share of the impurity of all rows that a split must take: less is rounding."""


class Question(NamedTuple):
    """What a node asks: whether a sum of inputs is above a threshold."""

    weights: Float[np.ndarray, " inputs"]
    threshold: float
    gain: float


def grow_oblique_trees(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Any,
    weights: Float[np.ndarray, " rows"],
    *,
    sizes: tuple[int, ...],
    n_classes: int | None,
    seed: int,
) -> list[Program]:
    """Return trees of growing size, each the one before with more leaves.

    In every node the candidates are all inputs, the sum and the difference of each two in units of
    their spread, and the sums of at most three inputs that part the heaviest choices best. The
    split that is made next is the one, over all leaves, that takes most weighted impurity.

    Args:
        inputs: Shape (rows, inputs).
        targets: Shape (rows,), classes from 0, or (rows, outputs) numbers.
        weights: Shape (rows,), not negative, not all 0.
        sizes: Most leaves of each tree, growing.
        n_classes: Number of classes; None for regression.
        seed: Decides between equally good splits.

    Source: Kohler 2024 (pairwise differences as inputs of a tree); sums in units of the spread,
    lines of a node, and growth that nests the sizes ours.
    """
    grower = _Grower(inputs, targets, weights, n_classes, seed)
    grower.consider(0, np.arange(len(inputs)))
    programs = []
    for size in sizes:
        while grower.n_leaves < size and grower.waiting:
            grower.split()
        programs.append(grower.program())
    return programs


class _Grower:
    """A tree while it grows."""

    def __init__(
        self, inputs: Any, targets: Any, weights: Any, n_classes: int | None, seed: int
    ) -> None:
        self.inputs, self.targets, self.weights = inputs, targets, weights
        self.n_classes, self.seed = n_classes, seed
        self.tests: list[Question | None] = [None]
        self.children: list[list[int]] = [[LEAF, LEAF]]
        self.values = [self._value(np.arange(len(inputs)))]
        self.waiting: list[tuple[float, int, Any, Any]] = []
        self.n_leaves = 1

    def consider(self, node: int, rows: Int[np.ndarray, " rows"]) -> None:
        """Find the best test of a leaf."""
        some = rows
        if len(rows) > MOST_ROWS:
            some = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).round().astype(np.int64)]
        found = best_question(
            self.inputs[some],
            self.targets[some],
            self.weights[some],
            n_classes=self.n_classes,
            seed=self.seed,
        )
        if found is None:
            return
        gain = found.gain * len(rows) / len(some)
        if gain > LEAST_GAIN * self.weights.sum():
            # a node's number is unique, so that what follows it is never compared
            heapq.heappush(self.waiting, (-gain, node, found, rows))

    def split(self) -> None:
        """Make the best split that waits."""
        _, node, test, rows = heapq.heappop(self.waiting)
        right = _summed(self.inputs[rows], test.weights) > test.threshold
        first = len(self.tests)
        self.tests[node], self.children[node] = test, [first, first + 1]
        for offset, part in enumerate((rows[~right], rows[right])):
            self.tests.append(None)
            self.children.append([LEAF, LEAF])
            self.values.append(self._value(part))
            self.consider(first + offset, part)
        self.n_leaves += 1

    def program(self) -> Program:
        """Return the tree as it is now, without splits that change no choice."""
        n_inputs = self.inputs.shape[1]
        terms: dict[str, int] = {}
        features, thresholds = [], []
        for test in self.tests:
            column = LEAF if test is None else _column(test.weights, terms, n_inputs)
            features.append(column)
            thresholds.append(0.0 if test is None else test.threshold)
        tree = Cart(
            np.array(features, dtype=np.int64),
            np.array(thresholds),
            np.array(self.children, dtype=np.int64),
            np.array(self.values),
        )
        pruned = tree if self.n_classes is None else without_idle_splits(tree)
        return _with_used_terms(pruned, n_inputs, tuple(terms))

    def _value(self, rows: Int[np.ndarray, " rows"]) -> Float[np.ndarray, " outputs"]:
        heavy = self.weights[rows]
        heavy = heavy if heavy.any() else np.ones(len(rows))
        if self.n_classes is None:
            return np.average(self.targets[rows], axis=0, weights=heavy)
        counts = np.bincount(self.targets[rows], weights=heavy, minlength=self.n_classes)
        return np.asarray(counts / heavy.sum())


def best_question(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Any,
    weights: Float[np.ndarray, " rows"],
    *,
    n_classes: int | None,
    seed: int,
) -> Question | None:
    """Return the sum of inputs and the threshold that part the targets best.

    Args:
        inputs: Shape (rows, inputs).
        targets: Shape (rows,) or (rows, outputs), as in `grow_oblique_trees`.
        weights: Shape (rows,).
        n_classes: Number of classes; None for regression.
        seed: Decides between equally good ones.

    Returns:
        None if nothing parts them.
    """
    if len(inputs) < 2 or not weights.any():
        return None
    sums = candidates(inputs, targets, weights, n_classes=n_classes)
    columns = np.column_stack([_summed(inputs, row) for row in sums])
    found = best_split(columns, targets, weights, n_classes=n_classes, seed=seed)
    if found is None:
        return None
    values = columns[:, found.column]
    left = values <= found.threshold
    if left.all() or not left.any():
        return None
    threshold = shortest_between(float(values[left].max()), float(values[~left].min()))
    return Question(sums[found.column], threshold, found.gain)


def candidates(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Any,
    weights: Float[np.ndarray, " rows"],
    *,
    n_classes: int | None,
) -> Float[np.ndarray, "sums inputs"]:
    """Return the sums that are tried in a node, the shortest first.

    Args:
        inputs: Shape (rows, inputs).
        targets: As in `best_question`.
        weights: Shape (rows,).
        n_classes: Number of classes; None for regression.
    """
    n = inputs.shape[1]
    spread = inputs.std(axis=0)
    moving = np.flatnonzero(spread > 0)
    sums = list(np.eye(n))
    paired = moving if len(moving) <= MOST_PAIRED else moving[:0]
    for one, other in combinations(paired, 2):
        for sign in (1.0, -1.0):
            row = np.zeros(n)
            row[one], row[other] = 1.0, sign * short(spread[one] / spread[other])
            sums.append(row)
    for wanted in _contrasts(targets, weights, n_classes):
        sums += _lines(inputs, wanted, weights, spread)
    return np.unique(np.array(sums), axis=0)[::-1]


def _contrasts(targets: Any, weights: Any, n_classes: int | None) -> list[np.ndarray]:
    """Return what lines should tell apart: each of the heaviest choices from the rest."""
    if n_classes is None:
        return [targets[:, output] for output in range(targets.shape[1])]
    mass = np.bincount(targets, weights=weights, minlength=n_classes)
    heaviest = np.argsort(-mass, kind="stable")[:N_RIVALS]
    return [(targets == choice).astype(np.float64) for choice in heaviest if mass[choice] > 0]


def _lines(inputs: Any, wanted: Any, weights: Any, spread: Any) -> list[np.ndarray]:
    """Return sums of two and three inputs that predict a number best, the largest weight 1."""
    slopes, _ = ridge_regression(inputs, wanted[:, None], weights)
    order = np.argsort(-np.abs(slopes[0] * spread), kind="stable")
    found = []
    for n_used in range(2, min(MOST_INPUTS, len(order)) + 1):
        used = order[:n_used]
        part, _ = ridge_regression(inputs[:, used], wanted[:, None], weights)
        largest = np.abs(part[0] * spread[used]).argmax()
        if part[0, largest] == 0:
            continue
        row = np.zeros(inputs.shape[1])
        row[used] = short(part[0] / part[0, largest])
        found.append(row)
    return found


def _summed(inputs: Any, weights: Any) -> Float[np.ndarray, " rows"]:
    """Return the sum in the order in which the expression of it is evaluated."""
    total: Any = 0.0
    for item in np.flatnonzero(weights):
        total = total + weights[item] * inputs[:, item]
    return np.broadcast_to(total, len(inputs)).astype(np.float64)


def _column(weights: Any, terms: dict[str, int], n_inputs: int) -> int:
    used = np.flatnonzero(weights)
    if len(used) == 1 and weights[used[0]] == 1:
        return int(used[0])
    return n_inputs + terms.setdefault(linear_text(weights), len(terms))


def _with_used_terms(tree: Cart, n_inputs: int, terms: tuple[str, ...]) -> Program:
    """Return a program without the terms that no node compares any more."""
    used = sorted({int(f) - n_inputs for f in tree.features if f >= n_inputs})
    place = {n_inputs + old: n_inputs + new for new, old in enumerate(used)}
    features = np.array([place.get(int(f), int(f)) for f in tree.features], dtype=np.int64)
    return Program(tree._replace(features=features), n_inputs, tuple(terms[i] for i in used))
