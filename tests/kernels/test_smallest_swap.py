"""The fewest groups to take over, against answers that are known."""

import numpy as np

from pellucid.kernels.smallest_swap import smallest_swaps, swap_cost


def test_only_what_is_needed_is_taken_over() -> None:
    changes = np.array([[1.0, 3.0, 2.0, 0.0], [3.0, 1.0, 2.0, 4.0]])
    asked = []

    def has_answer(rows, targets):
        asked.append(len(rows))
        return rows[:, 0] & rows[:, 2]

    found = smallest_swaps(has_answer, changes)
    assert found.tolist() == [[True, False, True, False]] * 2
    assert sum(asked) <= swap_cost(4, 2)


def test_of_two_that_do_alike_the_larger_change_is_given_back() -> None:
    found = smallest_swaps(lambda rows, _: rows[:, 0] | rows[:, 1], np.array([[2.0, 1.0, 5.0]]))
    assert found.tolist() == [[False, True, False]]


def test_what_was_needed_once_may_go_later() -> None:
    # 0 is needed as long as 1 is there
    def has_answer(rows, _):
        return rows[:, 2] & (rows[:, 0] | ~rows[:, 1])

    found = smallest_swaps(has_answer, np.array([[3.0, 2.0, 1.0]]))
    assert found.tolist() == [[False, False, True]]


def test_groups_that_do_not_differ_are_never_taken_and_no_answer_gives_none() -> None:
    assert not smallest_swaps(lambda rows, _: rows[:, 1], np.array([[1.0, 0.0]])).any()
    assert smallest_swaps(lambda rows, _: rows[:, 0], np.zeros((0, 3))).shape == (0, 3)


def test_targets_are_told_apart() -> None:
    found = smallest_swaps(
        lambda rows, targets: rows[np.arange(len(rows)), targets], np.ones((2, 2))
    )
    assert found.tolist() == [[True, False], [False, True]]
