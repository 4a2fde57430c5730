"""F42: too few, missing and tied units: NaN with a reason, counted, never a zero."""

import math

import numpy as np
import pytest

from pellucid.explanation.score import Control
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.step_drop import step_drop
from pellucid.stats import holm, iqm, mean_interval, paired_gap, paired_p_value, proportion_interval

INFO = step_drop.info


def _judged(values, controls):
    score = paired_score(INFO, np.array(values, float), np.array(controls, float), "by lot")
    return judge(score, complete=True, rerun_possible=True)


@pytest.mark.parametrize("values", [[], [3.0], [math.nan] * 30, [1.0] + [math.nan] * 29])
def test_f42_no_or_one_unit_gives_nan_with_a_reason(values):
    score = _judged(values, [0.0] * len(values))
    assert (score.badge, bool(score.reason)) == ("not_measured", True)
    for interval in (score.interval, score.gap):
        assert all(math.isnan(end) for end in (interval.value, interval.low, interval.high))
        assert interval.n + interval.n_unscored == len(values)
        assert interval.n < 2
    assert isinstance(score.control, Control)


def test_f42_nan_is_left_out_of_means_and_counted():
    values = [2.0] * 12 + [math.nan] * 3
    score = _judged(values, [1.0] * 15)
    assert (score.interval.value, score.interval.n, score.interval.n_unscored) == (2.0, 12, 3)
    assert (score.gap.value, score.gap.n, score.gap.n_unscored) == (1.0, 12, 3)
    assert (score.control.interval.n, score.badge) == (15, "supported")


def test_f42_a_missing_control_leaves_the_pair_out():
    score = _judged([2.0] * 12, [1.0] * 8 + [math.nan] * 4)
    assert (score.gap.n, score.gap.n_unscored, score.badge) == (8, 4, "weak")


@pytest.mark.parametrize("n", [2, 5, 12, 25])
def test_f42_equal_paired_differences_are_measured_constant_and_of_no_width(n):
    base = np.random.default_rng(0).normal(scale=50, size=n)
    score = _judged(base + 2.0, base)
    gap = score.gap
    assert gap.constant
    assert gap.low == gap.value == gap.high == pytest.approx(2.0)
    assert not score.interval.constant
    assert score.badge == {2: "not_measured", 5: "weak"}.get(n, "supported")


def test_f42_ties_are_measured_and_equal_means_fail_without_being_missing():
    score = _judged([1.0, 0.0] * 10, [0.0, 1.0] * 10)
    assert (score.gap.value, score.badge) == (0.0, "failed")
    tied = _judged([1.0] * 10 + [0.0] * 10, [0.0] * 20)
    assert tied.gap.low > 0


def test_f42_every_statistic_of_nothing_is_nan_and_never_zero():
    for estimate in (mean_interval([]), paired_gap([], [], "higher"), proportion_interval(0, 0)):
        assert math.isnan(estimate.value)
        assert math.isnan(estimate.low)
        assert estimate.n == 0
    assert math.isnan(iqm([math.nan]))
    assert math.isnan(paired_p_value([]))
    assert math.isnan(holm([math.nan])[0])
