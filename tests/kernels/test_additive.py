"""Sums of bent lines: what is additive is followed, what is not is counted as left."""

import numpy as np
import pytest

from pellucid.kernels.additive import bends, fit_additive, interaction_remainder, n_terms
from pellucid.kernels.programs import outputs_of

RNG = np.random.default_rng(0)
ROWS = RNG.uniform(-1.0, 1.0, (4_000, 3))
ONES = np.ones(len(ROWS))
CURVED = (np.abs(ROWS[:, 0]) + ROWS[:, 1])[:, None]
PRODUCT = (ROWS[:, 0] * ROWS[:, 1])[:, None]


def test_bends_lie_at_equal_shares_within_the_range():
    assert bends(np.arange(5.0)[:, None], 3) == (
        "max(x[0] - 1.0, 0.0)",
        "max(x[0] - 2.0, 0.0)",
        "max(x[0] - 3.0, 0.0)",
    )
    assert bends(np.array([[0.0, -1.0], [1.0, 1.0]]), 1) == (
        "max(x[0] - 0.5, 0.0)",
        "max(x[1], 0.0)",
    )
    assert bends(np.zeros((9, 1)), 3) == ()
    assert bends(ROWS, 0) == ()


def test_a_curve_is_followed_by_a_line_with_bends_and_not_without():
    straight, bent = (fit_additive(ROWS, CURVED, ONES, n_each=n, n_choices=None) for n in (0, 7))
    missed = [np.abs(outputs_of(p, ROWS) - CURVED).mean() for p in (straight, bent)]
    assert missed[0] > 0.2
    assert missed[1] < 0.02
    assert n_terms(straight) == 3


def test_choices_are_followed():
    scores = np.column_stack([CURVED[:, 0] - 0.5, np.zeros(len(ROWS))])
    program = fit_additive(ROWS, scores, ONES, n_each=7, n_choices=2)
    same = outputs_of(program, ROWS).argmax(axis=1) == scores.argmax(axis=1)
    assert same.mean() > 0.97


def test_the_remainder_is_what_only_interaction_explains():
    assert interaction_remainder(ROWS, CURVED) == pytest.approx(0.0, abs=0.01)
    assert interaction_remainder(ROWS, PRODUCT) == pytest.approx(1.0, abs=0.05)
    # half the variance is additive: Var(x0 x1) = 1/9, Var(x2 / sqrt 3) = 1/9
    half = PRODUCT + ROWS[:, 2:] / np.sqrt(3)
    assert interaction_remainder(ROWS, half) == pytest.approx(0.5, abs=0.03)


def test_what_all_outputs_share_does_not_count():
    shared = np.column_stack([PRODUCT[:, 0], PRODUCT[:, 0] + ROWS[:, 2]])
    assert interaction_remainder(ROWS, shared) == pytest.approx(0.0, abs=0.01)


def test_a_remainder_that_cannot_be_told_is_not_a_number():
    assert np.isnan(interaction_remainder(ROWS, np.ones((len(ROWS), 2))))
    assert np.isnan(interaction_remainder(ROWS[:20], PRODUCT[:20]))
