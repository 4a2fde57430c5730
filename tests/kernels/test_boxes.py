"""Boxes of trees: what can be reached is what is reached, and distances are exact."""

from itertools import product

import numpy as np
import pytest

from pellucid.kernels.boxes import distances_to_change, leaf_boxes, reachable_leaves
from pellucid.kernels.cart import LEAF, Cart, fit_cart, leaves_of

# x0 <= 1: (x1 <= 0: leaf 2 (a), else leaf 3 (b)); else leaf 4 (a)
TREE = Cart(
    np.array([0, 1, LEAF, LEAF, LEAF]),
    np.array([1.0, 0.0, 0.0, 0.0, 0.0]),
    np.array([[1, 4], [2, 3], [LEAF, LEAF], [LEAF, LEAF], [LEAF, LEAF]]),
    np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]),
)
RNG = np.random.default_rng(0)


def test_boxes_by_hand():
    boxes = leaf_boxes(TREE, 2)
    assert sorted(boxes.leaves.tolist()) == [2, 3, 4]
    at = {leaf: i for i, leaf in enumerate(boxes.leaves.tolist())}
    np.testing.assert_array_equal(boxes.high[at[2]], [1.0, 0.0])
    np.testing.assert_array_equal(boxes.low[at[3]], [-np.inf, 0.0])
    np.testing.assert_array_equal(boxes.low[at[4]], [1.0, -np.inf])


@pytest.mark.parametrize(
    ("low", "high", "leaves"),
    [
        ([0.0, -1.0], [1.0, 0.0], [2]),
        ([0.0, -1.0], [1.0, 0.001], [2, 3]),
        ([1.0, 1.0], [1.5, 1.0], [3, 4]),
        ([1.001, -9.0], [9.0, 9.0], [4]),
    ],
)
def test_what_a_box_reaches_by_hand(low, high, leaves):
    assert reachable_leaves(TREE, np.array(low), np.array(high)).tolist() == leaves


def grown(n_inputs=3, n_leaves=24):
    rows = RNG.integers(0, 6, (400, n_inputs)).astype(float)
    labels = RNG.integers(0, 3, 400)
    return fit_cart(rows, labels, np.ones(400), max_leaves=n_leaves, n_classes=3, seed=0)


def test_every_leaf_of_a_box_and_no_other_is_reached_on_a_grid():
    tree = grown()
    grid = np.array(list(product(np.arange(-0.25, 6.0, 0.25), repeat=3)))
    at = leaves_of(tree, grid)
    for _ in range(20):
        low = RNG.integers(0, 20, 3) / 4
        high = low + RNG.integers(0, 8, 3) / 4
        inside = ((grid >= low) & (grid <= high)).all(axis=1)
        assert reachable_leaves(tree, low, high).tolist() == sorted(set(at[inside].tolist()))


def test_a_change_below_the_distance_never_changes_the_choice_and_one_above_does():
    tree, scale = grown(), np.array([1.0, 0.5, 2.0])
    rows = RNG.uniform(0, 5, (40, 3))
    distances = distances_to_change(tree, rows, scale)
    choice = tree.values.argmax(axis=1)
    own = choice[leaves_of(tree, rows)]
    boxes = leaf_boxes(tree, 3)
    for place, distance in enumerate(distances):
        for factor, changes in ((0.999, False), (1.001, True)):
            width = factor * distance * scale + (1e-9 if changes else 0.0)
            met = reachable_leaves(tree, rows[place] - width, rows[place] + width)
            assert (set(choice[met]) != {own[place]}) == changes
    assert len(boxes.leaves) == tree.n_leaves


def test_a_tree_of_one_choice_never_changes_and_held_inputs_do_not_count():
    one = Cart(np.array([LEAF]), np.zeros(1), np.full((1, 2), LEAF), np.array([[1.0, 0.0]]))
    assert distances_to_change(one, np.zeros((2, 2)), np.ones(2)).tolist() == [np.inf, np.inf]
    held = distances_to_change(TREE, np.array([[0.0, 1.0]]), np.array([1.0, 0.0]))
    assert held.tolist() == [1.0]
    assert distances_to_change(TREE, np.array([[0.0, 1.0]]), np.zeros(2)).tolist() == [np.inf]
