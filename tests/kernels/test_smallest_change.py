"""Smallest changes against borders that are known."""

import numpy as np
import pytest

from pellucid.kernels.smallest_change import MARGIN, change_cost, smallest_changes

REAL = np.zeros(3, dtype=bool)
ONES = np.ones(3)


def counted(rule):
    asked = []

    def has_answer(rows):
        asked.append(len(rows))
        return rule(rows)

    return has_answer, asked


def test_one_input_is_moved_to_its_threshold_and_the_others_are_taken_back():
    has_answer, asked = counted(lambda rows: rows[:, 1] > 0.5)
    found = smallest_changes(
        has_answer, np.zeros(3), np.array([[3.0, 2.0, -1.0], [9.0, 1.0, 5.0]]), ONES, REAL
    )
    assert (found[:, [0, 2]] == 0).all()
    # a way of 2 is known to 2 / 4096, and the margin is 2 % of the change
    np.testing.assert_allclose(found[:, 1], 0.5 * (1 + MARGIN), atol=2e-3)
    assert (found[:, 1] > 0.5).all()
    assert sum(asked) <= change_cost(3, 2)


def test_inputs_that_are_needed_together_both_stay():
    rule = lambda rows: (rows[:, 0] > 1) & (rows[:, 1] < -1)  # noqa: E731
    found = smallest_changes(rule, np.zeros(3), np.array([[4.0, -2.0, 7.0]]), ONES, REAL)[0]
    assert found[2] == 0
    np.testing.assert_allclose(found[:2], [1 + MARGIN, -1 - MARGIN], atol=0.03)


def test_an_input_that_may_only_go_once_another_has_gone_goes():
    # 0 may stay changed only while 1 is; taking 1 back first is refused, then both go back
    rule = lambda rows: (rows[:, 2] > 1) & ((rows[:, 1] > 1) | (rows[:, 0] == 0))  # noqa: E731
    target = np.array([[3.0, 5.0, 2.0]])
    found = smallest_changes(rule, np.zeros(3), target, ONES, REAL)[0]
    assert found[:2].tolist() == [0.0, 0.0]


def test_whole_numbers_stay_whole_and_reach_the_border_exactly():
    whole = np.array([True, True, True])
    rule = lambda rows: rows[:, 0] >= 7  # noqa: E731
    found = smallest_changes(rule, np.array([2.0, 0, 0]), np.array([[20.0, 3, 1]]), ONES, whole)
    assert found.tolist() == [[7.0, 0.0, 0.0]]


def test_changes_never_leave_the_way_to_their_target():
    rule = lambda rows: rows[:, 0] >= 1.0  # noqa: E731
    found = smallest_changes(rule, np.zeros(3), np.array([[1.0, 0, 0]]), ONES, REAL)
    assert found.tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("seed", range(3))
def test_every_change_has_the_answer_whatever_the_border(seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(2, 3))

    def rule(rows):
        return np.tanh(rows @ weights[0]) + 0.5 * np.sin(3 * rows @ weights[1]) > 0.3

    targets = rng.normal(size=(400, 3))
    targets = targets[rule(targets)]
    state = np.array([-1.0, -1.0, -1.0]) * np.sign(weights[0])
    assert not rule(state[None])[0]
    found = smallest_changes(rule, state, targets, ONES, REAL)
    assert rule(found).all()
    assert (np.abs(found - state).sum(axis=1) <= np.abs(targets - state).sum(axis=1) + 1e-12).all()
