"""Intervals made to cover as often as they say, and their score."""

import math

import numpy as np
import pytest

from pellucid.kernels.forecasts import conformal_offset, interval_score


def test_the_offset_is_the_rank_that_covers_new_rows():
    happened = np.array([0.0, 0.5, 1.25, 2.0, 4.0, -1.0, 0.75, 0.1, 0.2])
    lows, highs = np.zeros(9), np.ones(9)
    # missed by -1/2 (in the middle) to 3; the 8th of 9 is the least rank that covers 80 % of ten
    missed = sorted([0.0, -0.5, 0.25, 1.0, 3.0, 1.0, -0.25, -0.1, -0.2])
    assert conformal_offset(lows, highs, happened, 0.8) == pytest.approx(missed[7])


def test_bands_that_are_too_wide_are_narrowed():
    happened = np.linspace(-0.1, 0.1, 50)
    assert conformal_offset(np.full(50, -9.0), np.full(50, 9.0), happened, 0.8) < -8.8


def test_too_few_rows_cannot_tell():
    three = np.zeros(3)
    assert math.isnan(conformal_offset(three, three, three, 0.8))
    assert conformal_offset(np.zeros(4), np.zeros(4), np.zeros(4), 0.8) == 0.0
    assert math.isnan(conformal_offset(np.zeros(4), np.zeros(4), np.full(4, np.nan), 0.8))


def test_offsets_cover_new_rows_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        known, new = rng.normal(size=19), rng.normal()
        offset = conformal_offset(np.zeros(19), np.zeros(19), known, 0.8)
        covered.append(abs(new) <= offset)
    assert np.mean(covered) == pytest.approx(0.8, abs=0.05)


def test_the_score_is_the_width_and_ten_times_what_is_missed_at_80_percent():
    found = interval_score(np.zeros(3), np.full(3, 2.0), np.array([1.0, 2.5, -0.1]), 0.8)
    np.testing.assert_allclose(found, [2.0, 7.0, 3.0])
    assert math.isnan(interval_score(np.zeros(1), np.ones(1), np.array([np.nan]), 0.8)[0])


def test_the_true_quantiles_score_best():
    happened = np.random.default_rng(0).normal(size=20_000)

    def score(half):
        return float(interval_score(np.array([-half]), np.array([half]), happened, 0.8).mean())

    true = 1.2816
    assert score(true) < min(score(0.8 * true), score(1.25 * true))
