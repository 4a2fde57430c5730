"""Moves between abstract states, by hand."""

import numpy as np
import pytest

from pellucid.kernels.abstract_graph import (
    Way,
    entry_shares,
    foretelling_error,
    jump_shares,
    likeliest_way,
    transition_shares,
    two_kinds,
)

PATHS = [np.array([0, 0, 1, 2]), np.array([0, 2, 2])]


def test_moves_are_counted_and_ends_keep_to_themselves():
    np.testing.assert_allclose(
        transition_shares(PATHS, 3), [[1 / 3, 1 / 3, 1 / 3], [0, 0, 1], [0, 0, 1]]
    )
    assert transition_shares([np.array([0])], 2).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_entries_count_moves_into_another_node():
    # 0 to 1, 1 to 2, 0 to 2
    np.testing.assert_allclose(entry_shares(PATHS, 3), [0, 1 / 3, 2 / 3])


def test_jumps_leave_out_staying():
    jumps = jump_shares(transition_shares(PATHS, 3))
    assert jumps.tolist() == [[0.0, 0.5, 0.5], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_the_likeliest_way_is_not_the_shortest():
    moves = np.array([[0.0, 0.9, 0.1], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    assert likeliest_way(moves, 0, 2) == Way((0, 1, 2), 0.9)
    assert likeliest_way(moves, 2, 0) == Way((), 0.0)
    assert likeliest_way(moves, 1, 1) == Way((1,), 1.0)


def test_returns_of_two_kinds_are_parted_between_them():
    assert two_kinds(np.array([10.0, 10.0, -10.0])) == 0.0
    assert two_kinds(np.array([5.0, 5.0])) is None
    assert two_kinds(np.array([5.0])) is None
    # evenly spread numbers are of one kind: a half takes three quarters of the variance
    assert two_kinds(np.linspace(0, 1, 200)) is None


def test_the_error_is_the_distance_of_what_follows_from_the_mean_that_follows():
    features = [np.array([[0.0], [2.0], [0.0], [2.0]])]
    alternating = [np.array([0, 1, 0, 1])]
    assert foretelling_error(features, alternating, features, alternating, 2) == 0.0
    # in one node 2, 0, 2 follow: their mean is 4/3
    one = [np.zeros(4, dtype=int)]
    expected = np.mean([(2 - 4 / 3) ** 2, (4 / 3) ** 2, (2 - 4 / 3) ** 2])
    assert foretelling_error(features, one, features, one, 1) == pytest.approx(expected)
    # a node that was never left is told by the mean of all
    fresh = [np.array([1, 1, 1, 1])]
    assert foretelling_error(features, one, features, fresh, 2) == pytest.approx(expected)
