"""Bottlenecks and changes of behaviour, by hand."""

import numpy as np
import pytest

from pellucid.kernels.bottlenecks import change_shares, cuts, visit_shares
from pellucid.kernels.nearest_region import nearest_region


def path(*regions):
    return np.array(regions)


def test_a_region_on_every_way_is_a_cut_and_others_are_none():
    # two ways to 3, two from there
    ways = [path(0, 1, 3, 4, 6), path(0, 2, 3, 5, 6)]
    assert np.flatnonzero(cuts(ways, 7)).tolist() == [3]


def test_a_way_put_together_from_pieces_is_a_way_too():
    # both paths pass 2, but 0, 1, 4 goes around it
    ways = [path(0, 1, 2, 4), path(0, 2, 1, 4)]
    assert not cuts(ways, 5).any()


def test_where_all_ways_begin_or_end_nothing_is_cut():
    assert np.flatnonzero(cuts([path(0, 1, 2)], 3)).tolist() == [1]
    assert not cuts([path(0)], 1).any()
    # one way begins at 1, which the other one must pass all the same
    assert np.flatnonzero(cuts([path(0, 1, 2), path(1, 2)], 3)).tolist() == [1]


def test_shares_count_paths_and_not_visits():
    assert visit_shares([path(0, 1, 1, 0), path(2)], 4).tolist() == [0.5, 0.5, 0.5, 0.0]


def test_behaviour_that_never_changes_changes_nowhere():
    still = np.tile([0.0, 1.0], (4, 1))
    assert not change_shares([path(0, 1, 2, 3)], [still], 5).any()


@pytest.mark.parametrize(("span", "share"), [(1, 1.0), (2, 1.0), (9, 1.0)])
def test_a_turn_changes_everything_where_it_is_taken(span, share):
    turn = np.array([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3)
    found = change_shares([path(0, 1, 2, 3, 4, 5)], [turn], 6, span=span)
    assert found[3] == share
    assert found.argmax() == 3


def test_the_nearest_middle_is_looked_for_in_the_inputs_own_units():
    centres = np.array([[0.0, 0.0], [1.0, 100.0]])
    row = np.array([[0.0, 80.0]])
    assert nearest_region(row, centres, np.array([1.0, 1.0])).tolist() == [1]
    assert nearest_region(row, centres, np.array([0.01, 1000.0])).tolist() == [0]
