"""The best tree of a size, against all of them."""

import numpy as np
import pytest

from pellucid.kernels.cart import LEAF, Cart, leaves_of
from pellucid.kernels.optimal_trees import (
    Questions,
    optimal_tree,
    spread_questions,
    with_best_thresholds,
)

pystreed = pytest.importorskip("pystreed", reason="pystreed is not installed")
SOLVER = pystreed.STreeDInstanceCostSensitiveClassifier
RNG = np.random.default_rng(0)
ROWS, COSTS = RNG.normal(size=(200, 2)), RNG.uniform(size=(200, 3))
ASKED = spread_questions(ROWS, np.ones(200), 4)


def best_of_all_trees_of_depth_two():
    answers = ASKED.answers(ROWS)
    totals = []
    for root in answers.T:
        total = 0.0
        for here in (root, ~root):
            leaf = COSTS[here].sum(axis=0).min()
            splits = (
                COSTS[here & a].sum(axis=0).min() + COSTS[here & ~a].sum(axis=0).min()
                for a in answers.T
            )
            total += min(leaf, *splits)
        totals.append(total)
    return min(totals)


def cost_of(tree):
    chosen = tree.values[leaves_of(tree, ROWS)].argmax(axis=1)
    return COSTS[np.arange(200), chosen].sum()


def test_no_tree_of_depth_two_costs_less():
    tree, proven = optimal_tree(SOLVER, ROWS, COSTS, ASKED, max_depth=2, max_leaves=4)
    assert proven
    assert cost_of(tree) == pytest.approx(best_of_all_trees_of_depth_two())


def test_more_leaves_never_cost_more():
    costs = [
        cost_of(optimal_tree(SOLVER, ROWS, COSTS, ASKED, max_depth=3, max_leaves=n)[0])
        for n in (1, 2, 3, 4, 6, 8)
    ]
    assert (np.diff(costs) <= 1e-9).all()
    assert costs[0] == pytest.approx(COSTS.sum(axis=0).min())


def test_costs_and_not_counts_decide():
    rows = np.array([[0.0], [1.0], [2.0], [3.0]])
    # three rows prefer action 0 a little, one prefers action 1 a lot
    costs = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [10.0, 0.0]])
    tree, _ = optimal_tree(SOLVER, rows, costs, Questions(np.array([0]), np.array([0.5])),
                           max_depth=1, max_leaves=2)  # fmt: skip
    assert tree.values[leaves_of(tree, rows)].argmax(axis=1).tolist() == [0, 1, 1, 1]


def test_questions_are_between_values_at_equal_shares_of_weight():
    rows = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    asked = spread_questions(rows, np.array([1.0, 1.0, 1.0, 97.0]), 3)
    # nearly all the weight is in the last row, above which there is nothing; one input is constant
    assert asked.columns.size == 0
    asked = spread_questions(rows, np.ones(4), 3)
    assert asked.columns.tolist() == [0, 0, 0]
    assert asked.thresholds.tolist() == [0.5, 1.5, 2.5]


def test_thresholds_move_to_where_they_cost_least_and_never_cost_more():
    coarse, _ = optimal_tree(SOLVER, ROWS, COSTS, ASKED, max_depth=2, max_leaves=4)
    before = cost_of(coarse)
    moved = with_best_thresholds(coarse, ROWS, COSTS)
    assert cost_of(moved) < before
    line = np.linspace(0.0, 1.0, 101)[:, None]
    costs = np.column_stack([line[:, 0] > 0.305, line[:, 0] < 0.305]).astype(float)
    stump = Cart(np.array([0, LEAF, LEAF]), np.array([0.5, 0.0, 0.0]),
                 np.array([[1, 2], [LEAF, LEAF], [LEAF, LEAF]]), np.eye(2)[[0, 0, 1]])  # fmt: skip
    found = with_best_thresholds(stump, line, costs)
    assert 0.30 < found.thresholds[0] < 0.31
    assert with_best_thresholds(found, line, costs).thresholds[0] == found.thresholds[0]


def test_nothing_to_ask_is_a_leaf():
    nothing = Questions(np.empty(0, np.int64), np.empty(0))
    tree, proven = optimal_tree(SOLVER, ROWS, COSTS, nothing, max_depth=3, max_leaves=8)
    assert proven
    assert tree.features.tolist() == [LEAF]
