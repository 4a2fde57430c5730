"""Linear models of choices and of numbers, against closed forms."""

import numpy as np
import pytest

from pellucid.kernels.softmax_regression import ridge_regression, short, softmax_regression


def test_two_choices_at_one_point_give_the_log_odds():
    # one constant input: the constants are all that is left, and they are log shares
    rows, choices = np.zeros((4, 1)), np.array([0, 0, 0, 1])
    slopes, constants = softmax_regression(rows, choices, np.ones(4), 2)
    assert slopes == pytest.approx(0.0)
    assert constants[0] - constants[1] == pytest.approx(np.log(3), abs=1e-4)
    heavy, _ = np.array([1.0, 1.0, 1.0, 9.0]), None
    _, constants = softmax_regression(rows, choices, heavy, 2)
    assert constants[0] - constants[1] == pytest.approx(np.log(3 / 9), abs=1e-4)


def test_the_first_choice_that_occurs_is_what_others_are_compared_with():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(300, 2))
    slopes, constants = softmax_regression(rows, 1 + (rows[:, 0] > 0), np.ones(300), 3)
    assert slopes[1].tolist() == [0.0, 0.0]
    assert constants[1] == 0.0
    assert slopes[2, 0] > 0


def test_choices_of_a_linear_rule_are_found_again():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 3)) * np.array([1.0, 100.0, 0.01]) + 7.0
    truth = (rows - 7.0) / np.array([1.0, 100.0, 0.01]) @ rng.normal(size=(3, 4))
    slopes, constants = softmax_regression(rows, truth.argmax(axis=1), np.ones(500), 4)
    same = (rows @ slopes.T + constants).argmax(axis=1) == truth.argmax(axis=1)
    assert same.mean() > 0.98


def test_a_choice_that_never_occurs_is_never_preferred():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(200, 2))
    choices = np.where(rows[:, 0] > 0, 2, 0)
    slopes, constants = softmax_regression(rows, choices, np.ones(200), 4)
    assert set((rows @ slopes.T + constants).argmax(axis=1)) == {0, 2}
    _, constants = softmax_regression(rows, np.full(200, 3), np.ones(200), 4)
    assert constants.argmax() == 3


def test_numbers_are_predicted_by_weighted_least_squares():
    rows, targets = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [100.0]])
    slope, constant = ridge_regression(rows, targets, np.array([1.0, 1.0, 0.0]), penalty=0.0)
    assert (slope.item(), constant.item()) == pytest.approx((2.0, 1.0))


def test_short_numbers_keep_three_digits():
    np.testing.assert_array_equal(short(np.array([[0.00012345, 98765.0]])), [[0.000123, 98800.0]])
