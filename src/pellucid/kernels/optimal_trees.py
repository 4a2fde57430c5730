"""Trees of the least possible cost among all trees of a depth, over given thresholds."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pellucid.kernels.cart import (
    LEAF,
    Cart,
    leaves_of,
    shortest_between,
    without_idle_splits,
)


class Questions(NamedTuple):
    """Comparisons that a tree may make.

    Args:
        columns: Shape (questions,), input of each.
        thresholds: Shape (questions,); yes if the input is above it.
    """

    columns: Any
    thresholds: Any

    def answers(self, inputs: Float[np.ndarray, "rows inputs"]) -> Bool[np.ndarray, "rows asked"]:
        """Return which rows are above the threshold of each question."""
        return np.asarray(inputs[:, self.columns] > self.thresholds)


def spread_questions(
    inputs: Float[np.ndarray, "rows inputs"], weights: Float[np.ndarray, " rows"], n_each: int
) -> Questions:
    """Return thresholds at equal shares of the weight, of few digits.

    Args:
        inputs: Shape (rows, inputs).
        weights: Shape (rows,), not negative, not all 0.
        n_each: Thresholds of one input at most.

    Example:
        >>> asked = spread_questions(np.arange(6.0)[:, None], np.ones(6), 2)
        >>> asked.columns.tolist(), asked.thresholds.tolist()
        ([0, 0], [1.5, 3.5])
    """
    columns: list[int] = []
    thresholds: list[float] = []
    for item in range(inputs.shape[1]):
        order = np.argsort(inputs[:, item], kind="stable")
        values = inputs[order, item]
        mass = np.cumsum(weights[order]) / weights.sum()
        places = np.searchsorted(mass, np.arange(1, n_each + 1) / (n_each + 1) - 1e-12)
        found = {
            shortest_between(float(values[at]), float(values[above]))
            for at in places.tolist()
            for above in [int(np.searchsorted(values, values[at], side="right"))]
            if above < len(values)
        }
        columns += [item] * len(found)
        thresholds += sorted(found)
    return Questions(np.array(columns, dtype=np.int64), np.array(thresholds))


def optimal_tree(
    solver: Any,
    inputs: Float[np.ndarray, "rows inputs"],
    costs: Float[np.ndarray, "rows choices"],
    questions: Questions,
    *,
    max_depth: int,
    max_leaves: int,
) -> tuple[Cart, bool]:
    """Return the tree of least total cost, and whether that is proven.

    Args:
        solver: `pystreed.STreeDInstanceCostSensitiveClassifier`; its module is optional.
        inputs: Shape (rows, inputs).
        costs: Shape (rows, choices), not negative: what each choice costs in each row.
        questions: What a node may ask.
        max_depth: Questions on one path at most.
        max_leaves: Leaves at most.

    Source: van der Linden 2023 (STreeD), instance-cost-sensitive classification.
    """
    choices = np.asarray(costs.sum(axis=0))
    if max_leaves < 2 or not len(questions.columns):
        return _leaf(-choices), True
    answers = questions.answers(inputs).astype(np.int32)
    model = solver(max_depth=max_depth, max_num_nodes=max_leaves - 1, time_limit=MOST_SECONDS)
    model.fit(answers, costs)
    grown: dict[str, list[Any]] = {"features": [], "thresholds": [], "children": [], "values": []}

    def grow(node: Any, rows: Any) -> int:
        place = len(grown["features"])
        leaf = node.is_leaf_node()
        asked = LEAF if leaf else int(node.feature)
        grown["features"].append(LEAF if leaf else int(questions.columns[asked]))
        grown["thresholds"].append(0.0 if leaf else float(questions.thresholds[asked]))
        grown["children"].append([LEAF, LEAF])
        chosen = int(node.label) if leaf else int(costs[rows].sum(axis=0).argmin())
        grown["values"].append(np.eye(costs.shape[1])[chosen])
        if not leaf:
            above = answers[rows, asked] == 1
            # in the solver the left child is for the answer no
            left, right = (rows[~above], rows[above])
            pair = grow(node.left_child, left), grow(node.right_child, right)
            grown["children"][place] = list(pair)
        return place

    grow(model.get_tree(), np.arange(len(inputs)))
    tree = Cart(
        np.array(grown["features"], dtype=np.int64),
        np.array(grown["thresholds"]),
        np.array(grown["children"], dtype=np.int64),
        np.array(grown["values"], dtype=np.float64),
    )
    return without_idle_splits(tree), bool(model.fit_result.is_optimal())


MOST_SECONDS = 120.0
"""After which the solver gives what it has; sizes are such that it is far from that."""


def with_best_thresholds(
    tree: Cart,
    inputs: Float[np.ndarray, "rows inputs"],
    costs: Float[np.ndarray, "rows choices"],
    *,
    n_sweeps: int = 3,
) -> Cart:
    """Return the tree with each threshold in turn where it costs least, the others as they are.

    It asks the same inputs in the same order, and never costs more.

    Args:
        tree: The tree.
        inputs: Shape (rows, inputs).
        costs: Shape (rows, choices), not negative.
        n_sweeps: Times that every threshold is looked at, at most.
    """
    tree = tree._replace(thresholds=tree.thresholds.copy())
    for _ in range(n_sweeps):
        before = tree.thresholds.copy()
        here = {0: np.arange(len(inputs))}
        # parents come before their children, whose rows they decide
        for node in np.flatnonzero(tree.features != LEAF).tolist():
            rows = here.pop(node)
            best = _best_threshold(tree, node, inputs[rows], costs[rows])
            if best is not None:
                tree.thresholds[node] = best
            above = inputs[rows, tree.features[node]] > tree.thresholds[node]
            left, right = (int(child) for child in tree.children[node])
            here[left], here[right] = rows[~above], rows[above]
        if np.array_equal(before, tree.thresholds):
            break
    return tree


def _best_threshold(
    tree: Cart,
    node: int,
    inputs: Float[np.ndarray, "rows inputs"],
    costs: Float[np.ndarray, "rows choices"],
) -> float | None:
    """Return where a node parts its rows at least cost; None if that is where it does."""
    column = inputs[:, tree.features[node]]
    order = np.argsort(column, kind="stable")
    values, rows = column[order], np.arange(len(inputs))
    left, right = (
        costs[rows, tree.values[leaves_of(tree, inputs, start=int(child))].argmax(axis=1)][order]
        for child in tree.children[node]
    )
    cuts = np.flatnonzero(values[1:] > values[:-1]) + 1
    if not len(cuts):
        return None
    below = np.concatenate(([0.0], np.cumsum(left)))
    above = np.concatenate((np.cumsum(right[::-1])[::-1], [0.0]))
    totals = below[cuts] + above[cuts]
    now = int((column <= tree.thresholds[node]).sum())
    best = int(totals.argmin())
    if totals[best] >= (below[now] + above[now]) * (1 - 1e-9):
        return None
    return shortest_between(float(values[cuts[best] - 1]), float(values[cuts[best]]))


def _leaf(scores: Float[np.ndarray, " choices"]) -> Cart:
    values = np.eye(len(scores))[int(scores.argmax())]
    return Cart(np.array([LEAF]), np.zeros(1), np.full((1, 2), LEAF), values[None])
