"""Nearest rows under subsets of columns, counted by hand."""

import numpy as np
import pytest

from pellucid.kernels import nearest
from pellucid.kernels.nearest import nearest_by_subset

# distances of three rows: by column 0, by column 1, by both
SQUARES = np.array([[4.0, 0.0], [1.0, 9.0], [0.0, 7.0]])
BOTH, FIRST, SECOND, NEITHER = [True, True], [True, False], [False, True], [False, False]


def test_each_subset_has_its_own_nearest_row():
    assert nearest_by_subset(SQUARES, np.array([FIRST, SECOND, BOTH])).tolist() == [2, 0, 0]


def test_the_second_and_third_nearest():
    subsets = np.array([FIRST, SECOND, BOTH])
    assert nearest_by_subset(SQUARES, subsets, 1).tolist() == [1, 2, 2]
    assert nearest_by_subset(SQUARES, subsets, 2).tolist() == [0, 1, 1]


def test_ties_go_in_the_order_of_the_rows():
    for rank in range(3):
        assert nearest_by_subset(SQUARES, np.array([NEITHER]), rank).tolist() == [rank]


def test_it_equals_sorting_however_the_subsets_are_cut(monkeypatch):
    rng = np.random.default_rng(0)
    squares, subsets = rng.random((30, 6)), rng.random((50, 6)) < 0.5
    sums = np.array([[squares[row, subset].sum() for row in range(30)] for subset in subsets])
    wanted = np.argsort(sums, axis=1, kind="stable")[:, 3]
    for at_once in (30, 100, 2**20):
        monkeypatch.setattr(nearest, "_ELEMENTS_AT_ONCE", at_once)
        assert nearest_by_subset(squares, subsets, 3).tolist() == wanted.tolist()


@pytest.mark.parametrize("rank", [-1, 3])
def test_a_rank_that_no_row_has_is_refused(rank):
    with pytest.raises(ValueError, match=f"rank from 0 to 2, got {rank}"):
        nearest_by_subset(SQUARES, np.array([BOTH]), rank)
