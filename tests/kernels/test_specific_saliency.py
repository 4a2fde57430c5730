"""SARFA's formula against numbers worked out by hand."""

import math

import numpy as np
import pytest

from pellucid.kernels.specific_saliency import specific_saliency


def test_one_case_by_hand():
    before, after = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.4, 0.4])
    # the others among themselves: (3/4, 1/4) before, (1/2, 1/2) after
    divergence = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    relevance = 1 / (1 + divergence)
    expected = 2 * relevance * 0.4 / (relevance + 0.4)
    found = specific_saliency(before, after)
    assert found[0] == pytest.approx(expected)
    assert found[1] == found[2] == 0.0  # both gained


def test_nothing_changed_is_zero_and_two_actions_have_no_others():
    same = np.array([0.5, 0.3, 0.2])
    assert (specific_saliency(same, same) == 0).all()
    found = specific_saliency(np.array([0.9, 0.1]), np.array([0.4, 0.6]))
    assert found.tolist() == pytest.approx([2 * 0.5 / 1.5, 0.0])


def test_a_change_that_also_moves_the_others_counts_less():
    before = np.array([0.5, 0.4, 0.1])
    specific = specific_saliency(before, np.array([0.25, 0.6, 0.15]))[0]
    unspecific = specific_saliency(before, np.array([0.25, 0.05, 0.7]))[0]
    assert 0 < unspecific < specific


def test_certain_choices_give_finite_numbers_and_rows_broadcast():
    before = np.array([[1.0, 0.0, 0.0]])
    after = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    found = specific_saliency(before, after)
    assert found.shape == (2, 3)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert found[0, 0] > 0.9 * found.max()
