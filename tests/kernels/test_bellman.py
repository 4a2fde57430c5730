"""Sparse backups against the same sums written out."""

import numpy as np

from pellucid.kernels.bellman import expected_values, optimal_backup, pushed_forward

# state 0: action 0 -> 1 for sure, action 1 -> 0 or 1 evenly; state 1 stays
STARTS = np.array([0, 1, 3, 4, 5], dtype=np.int32)
NEXT = np.array([1, 0, 1, 1, 1], dtype=np.int32)
CHANCES = np.array([1.0, 0.5, 0.5, 1.0, 1.0])
REWARDS = np.array([[0.0, 1.0], [2.0, 2.0]])


def test_expected_values() -> None:
    out = np.empty(4)
    expected_values(STARTS, NEXT, CHANCES, np.array([10.0, 4.0]), out)
    assert out.tolist() == [4, 7, 4, 4]


def test_optimal_backup() -> None:
    values, actions = np.empty(2), np.empty(2, dtype=np.int64)
    change = optimal_backup(
        STARTS, NEXT, CHANCES, REWARDS, 0.5, np.array([10.0, 4.0]), values, actions
    )
    assert values.tolist() == [4.5, 4.0]
    assert actions.tolist() == [1, 0]
    assert change == 5.5


def test_pushed_forward_adds() -> None:
    out = np.array([1.0, 0.0])
    pushed_forward(STARTS, NEXT, CHANCES, np.array([0.0, 2.0, 0.0, 1.0]), out)
    assert out.tolist() == [2.0, 2.0]
