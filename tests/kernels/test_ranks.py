"""Rank correlation against hand-computed values and SciPy."""

import numpy as np
import pytest
from scipy import stats

from pellucid.kernels.ranks import spearman


def test_hand_computed_rows():
    first = np.array([[1.0, 2.0, 3.0, 4.0]] * 3)
    second = np.array([[10.0, 20.0, 30.0, 40.0], [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 4.0, 3.0]])
    # third row: 1 - 6 * (0 + 0 + 1 + 1) / (4 * 15)
    assert spearman(first, second).tolist() == pytest.approx([1.0, -1.0, 0.8])


def test_ties_share_their_rank_as_in_scipy():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, size=(2, 6, 9)).astype(float)
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert spearman(first, second) == pytest.approx(expected)


def test_constant_rows_and_rows_with_nan_have_no_correlation():
    first = np.array([[1.0, 1.0, 1.0], [1.0, np.nan, 2.0], [1.0, 2.0, 3.0]])
    assert np.isnan(spearman(first, np.array([[1.0, 2.0, 3.0]] * 3))).tolist() == [
        True,
        True,
        False,
    ]


def test_shapes_must_be_rows_of_items():
    with pytest.raises(ValueError, match="equal shapes"):
        spearman(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="rows, items"):
        spearman(np.zeros(3), np.zeros(3))
