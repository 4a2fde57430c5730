"""Trees as arrays: fits whose splits can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.kernels.cart import LEAF, Cart, fit_cart, leaves_of, shortest_between

# four rows: input 0 parts the rows {0, 1} from {2, 3}, input 1 parts {0, 2} from {1, 3}
ROWS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
# input 0 is right but for row 1, input 1 is right but for row 2
CLASSES = np.array([0, 1, 1, 1])


def stump(weights: list[float]) -> Cart:
    return fit_cart(ROWS, CLASSES, np.array(weights), max_leaves=2, n_classes=2, seed=0)


@pytest.mark.parametrize(
    ("weights", "split_on"),
    # with input 0 the left side holds rows 0 and 1 (impure by w1), with input 1 rows 0 and 2
    # (impure by w2): the split isolates the lighter mistake
    [([1.0, 1.0, 9.0, 1.0], 0), ([1.0, 9.0, 1.0, 1.0], 1)],
)
def test_weights_decide_which_input_is_split(weights: list[float], split_on: int) -> None:
    tree = stump(weights)
    # Gini by hand, weights (1, 1, 9, 1), sum w * 2 p q: input 0 gives 2 * 1/2 * 1/2 * 2 = 1;
    # input 1 gives 10 * 2 * 1/10 * 9/10 = 1.8
    assert tree.features[0] == split_on
    assert tree.thresholds[0] == 0.5


def test_values_are_weighted_shares_of_each_class() -> None:
    # the mistake at row 1 outweighs row 0, so both leaves would choose class 1: no split is left
    tree = stump([1.0, 3.0, 27.0, 3.0])
    assert tree.n_leaves == 1
    np.testing.assert_allclose(tree.values[0], [1 / 34, 33 / 34])


def test_a_class_that_never_occurs_has_its_column() -> None:
    tree = fit_cart(ROWS, np.array([0, 0, 2, 2]), np.ones(4), max_leaves=4, n_classes=4, seed=0)
    assert tree.values.shape == (3, 4)
    np.testing.assert_array_equal(tree.values[1:], [[1, 0, 0, 0], [0, 0, 1, 0]])


def test_regression_leaves_hold_weighted_means() -> None:
    targets = np.array([[0.0, 5.0], [4.0, 5.0], [10.0, 5.0], [10.0, 5.0]])
    weights = np.array([3.0, 1.0, 1.0, 1.0])
    tree = fit_cart(ROWS, targets, weights, max_leaves=2, n_classes=None, seed=0)
    assert tree.features[0] == 0
    np.testing.assert_allclose(tree.values[1:], [[1.0, 5.0], [10.0, 5.0]])


def test_size_is_never_exceeded_and_a_pure_tree_stops() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(500, 3))
    three = np.where(inputs[:, 0] > 0.3, 2, np.where(inputs[:, 1] > -0.2, 1, 0))
    for size in (1, 2, 3, 8):
        tree = fit_cart(inputs, three, np.ones(500), max_leaves=size, n_classes=3, seed=0)
        assert tree.n_leaves == min(size, 3)
    np.testing.assert_array_equal(tree.values[leaves_of(tree, inputs)].argmax(axis=1), three)
    assert set(tree.features.tolist()) == {LEAF, 0, 1}


def test_short_thresholds_part_the_rows_as_the_middle_does() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(200, 2)).astype(np.float32).astype(np.float64)
    labels = (inputs[:, 0] > 0.1234567).astype(np.int64)
    tree = fit_cart(inputs, labels, np.ones(200), max_leaves=2, n_classes=2, seed=0)
    assert len(repr(float(tree.thresholds[0]))) <= 6
    np.testing.assert_array_equal(tree.values[leaves_of(tree, inputs)].argmax(axis=1), labels)


def test_all_weights_zero_is_one_leaf() -> None:
    assert stump([0.0] * 4).n_leaves == 1


def test_leaves_are_found_level_by_level() -> None:
    tree = Cart(
        np.array([0, LEAF, 1, LEAF, LEAF]),
        np.array([0.0, 0.0, 5.0, 0.0, 0.0]),
        np.array([[1, 2], [LEAF, LEAF], [3, 4], [LEAF, LEAF], [LEAF, LEAF]]),
        np.zeros((5, 1)),
    )
    rows = np.array([[0.0, 9.0], [1.0, 5.0], [1.0, 5.1]])
    assert leaves_of(tree, rows).tolist() == [1, 3, 4]
    assert leaves_of(tree, rows[:0]).tolist() == []


# no subnormal numbers: a process that flushes them to zero, as the command line does, has none
SINGLE = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


@settings(max_examples=100, deadline=None)
@given(SINGLE, SINGLE)
def test_a_short_number_lies_between(one: float, two: float) -> None:
    low, high = sorted((one, two))
    if low < high:
        assert low <= shortest_between(low, high) < high
