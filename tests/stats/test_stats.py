"""Estimates: hand-computed answers first, then ties, missing units, coverage."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pellucid import stats
from pellucid.explanation.score import Interval
from pellucid.stats import (
    Estimate,
    differences,
    holm,
    iqm,
    mean_difference,
    mean_interval,
    mean_share_interval,
    paired_gap,
    paired_p_value,
    proportion_interval,
)


def test_interval_of_scores_is_the_estimate_of_stats():
    assert Interval is Estimate


def test_student_interval_equals_the_hand_computed_one():
    # mean 4, sd 2, t(4; .975) = 2.776445: half width 2.776445 * 2 / sqrt(5)
    estimate = mean_interval([2.0, 3.0, 4.0, 4.0, 7.0])
    assert estimate.value == 4.0
    half = 2.7764451052 * np.std([2, 3, 4, 4, 7], ddof=1) / math.sqrt(5)
    assert estimate.low == pytest.approx(4.0 - half, abs=1e-9)
    assert estimate.high == pytest.approx(4.0 + half, abs=1e-9)
    assert (estimate.n, estimate.n_unscored, estimate.constant) == (5, 0, False)


def test_student_below_twenty_units_bootstrap_from_twenty():
    values = np.random.default_rng(0).exponential(size=20)
    t_low, t_high = scipy_stats.t.interval(
        0.95, 18, values[:19].mean(), scipy_stats.sem(values[:19])
    )
    nineteen, twenty = mean_interval(values[:19]), mean_interval(values)
    assert (nineteen.low, nineteen.high) == pytest.approx((t_low, t_high))
    # the bootstrap follows the skew: longer above than below
    assert twenty.high - twenty.value > 1.1 * (twenty.value - twenty.low)


def test_bootstrap_of_normal_data_is_as_wide_as_student():
    values = scipy_stats.norm.ppf((np.arange(20) + 0.5) / 20)
    estimate = mean_interval(values)
    half = scipy_stats.t.ppf(0.975, 19) * scipy_stats.sem(values)
    assert estimate.high == pytest.approx(half, rel=0.04)
    assert estimate.low == pytest.approx(-half, rel=0.04)


@pytest.mark.parametrize("n", [0, 1])
def test_f42_below_two_units_nothing_is_measured(n):
    estimate = mean_interval([3.0] * n + [math.nan] * 2)
    assert not estimate.measured
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)
    assert (estimate.n, estimate.n_unscored, estimate.constant) == (n, 2, False)


@pytest.mark.parametrize("n", [2, 10, 25])
@pytest.mark.parametrize("value", [0.0, -3.0, 0.1])
def test_f42_equal_units_are_measured_with_zero_width_and_marked(n, value):
    estimate = mean_interval([value] * n)
    assert estimate.value == pytest.approx(value, abs=0)
    assert estimate.low == estimate.value == estimate.high
    assert estimate.constant
    assert estimate.n == n


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("n", [6, 24])
def test_f42_unscored_units_are_left_out_and_counted(bad, n):
    values = np.arange(n, dtype=float)
    with_bad = np.insert(values, 2, [bad, bad])
    estimate = mean_interval(with_bad)
    clean = mean_interval(values)
    assert (estimate.value, estimate.low, estimate.high) == (clean.value, clean.low, clean.high)
    assert (estimate.n, estimate.n_unscored) == (n, 2)


def test_ties_give_a_finite_ordered_interval():
    for n_ones in (1, 2, 10, 19):
        values = [1.0] * n_ones + [0.0] * (20 - n_ones)
        estimate = mean_interval(values)
        assert estimate.low < estimate.value < estimate.high
        assert not estimate.constant


def test_degenerate_bootstrap_falls_back_to_student(monkeypatch):
    class Nothing:
        class confidence_interval:  # noqa: N801
            low = high = math.nan

    monkeypatch.setattr(stats.scipy_stats, "bootstrap", lambda *a, **k: Nothing)
    values = np.arange(20.0)
    estimate = mean_interval(values)
    half = scipy_stats.t.ppf(0.975, 19) * scipy_stats.sem(values)
    assert (estimate.low, estimate.high) == pytest.approx((9.5 - half, 9.5 + half))


def test_same_units_same_bytes_and_the_order_of_units_hardly_matters():
    values = np.random.default_rng(1).normal(size=30)
    assert mean_interval(values) == mean_interval(values.copy())
    assert mean_interval(values, seed=1) != mean_interval(values, seed=2)
    reverse = mean_interval(values[::-1])
    assert reverse.low == pytest.approx(mean_interval(values).low, abs=0.02)


def test_scaling_the_units_scales_the_interval():
    values = np.random.default_rng(2).exponential(size=40)
    one, thousand = mean_interval(values), mean_interval(1000 * values)
    assert thousand.low == pytest.approx(1000 * one.low)
    assert thousand.high == pytest.approx(1000 * one.high)


def test_large_samples_use_student():
    values = np.random.default_rng(3).normal(size=stats.BOOTSTRAP_UP_TO + 1)
    estimate = mean_interval(values)
    half = scipy_stats.t.ppf(0.975, len(values) - 1) * scipy_stats.sem(values)
    assert estimate.high - estimate.value == pytest.approx(half, rel=1e-6)


def test_more_than_one_number_per_unit_is_refused():
    with pytest.raises(ValueError, match=r"one number per unit, got shape \(2, 3\)"):
        mean_interval(np.zeros((2, 3)))


def _coverage(draw, mean, n, n_draws):
    hits = 0
    for i in range(n_draws):
        estimate = mean_interval(draw(np.random.default_rng(10_000 + i), n))
        hits += estimate.low <= mean <= estimate.high
    return hits / n_draws


def _exponential(rng, n):
    return rng.exponential(size=n)


def _log_normal(rng, n):
    return rng.lognormal(size=n)


@pytest.mark.parametrize(
    ("draw", "mean", "n", "least"),
    [
        # 100 draws have a standard error of 0.022: the bounds are two of them around 0.95
        (lambda rng, n: rng.normal(size=n), 0.0, 10, 0.90),
        (lambda rng, n: rng.normal(size=n), 0.0, 20, 0.90),
        (_exponential, 1.0, 30, 0.88),
    ],
)
def test_intervals_cover_about_as_often_as_they_say(draw, mean, n, least):
    assert least <= _coverage(draw, mean, n, 100) <= 0.995


@pytest.mark.slow
@pytest.mark.timeout(600)  # a thousand bootstraps, on a machine that may be busy
@pytest.mark.parametrize("n", [5, 12, 20, 50])
def test_f45_intervals_cover_93_to_97_percent_of_1000_normal_draws(n):
    assert 0.93 <= _coverage(lambda rng, k: rng.normal(1.0, 2.0, size=k), 1.0, n, 1000) <= 0.97


@pytest.mark.slow
@pytest.mark.timeout(600)  # a thousand bootstraps, on a machine that may be busy
def test_f45_intervals_cover_93_to_97_percent_of_1000_skewed_draws():
    assert 0.93 <= _coverage(_exponential, 1.0, 60, 1000) <= 0.97


@pytest.mark.slow
@pytest.mark.timeout(600)  # a thousand bootstraps, on a machine that may be busy
@pytest.mark.parametrize("n", [5, 19, 20, 50])
def test_f45_paired_gaps_cover_93_to_97_percent_of_1000_draws(n):
    # the control varies ten times as much as the difference, and does not widen the interval
    hits = 0
    for i in range(1000):
        rng = np.random.default_rng(20_000 + i)
        control = rng.exponential(50.0, size=n)
        gap = paired_gap(control + rng.normal(1.0, 5.0, size=n), control, "higher")
        assert gap.n == n
        hits += gap.low <= 1.0 <= gap.high
    assert 0.93 <= hits / 1000 <= 0.97


@pytest.mark.slow
@pytest.mark.timeout(600)  # a thousand bootstraps, on a machine that may be busy
@pytest.mark.parametrize(
    ("draw", "mean", "n", "low", "high"),
    [
        # measured: 0.88, 0.92, 0.93 and 0.81, 0.91; bounds are three standard errors around
        (_exponential, 1.0, 5, 0.85, 0.92),
        (_exponential, 1.0, 19, 0.88, 0.95),
        (_exponential, 1.0, 20, 0.90, 0.96),
        (_log_normal, math.exp(0.5), 5, 0.76, 0.85),
        (_log_normal, math.exp(0.5), 20, 0.88, 0.945),
    ],
)
def test_f45_few_skewed_units_cover_less_as_documented(draw, mean, n, low, high):
    covered = _coverage(draw, mean, n, 1000)
    assert low <= covered <= high
    assert "covered 88 % of the time at 5 units" in mean_interval.__doc__


# --- paired ---


def test_gap_is_paired_and_not_the_difference_of_two_intervals():
    control = np.array([0.0, 100.0, -50.0, 30.0, 7.0])
    gap = paired_gap(control + np.array([1.0, 2.0, 3.0, 2.0, 2.0]), control, "higher")
    assert gap.value == pytest.approx(2.0)
    assert gap.low > 0.9


def test_gap_is_oriented_so_that_more_is_better():
    scores, control = [1.0, 2.0, 4.0], [2.0, 2.0, 8.0]
    higher, lower = paired_gap(scores, control, "higher"), paired_gap(scores, control, "lower")
    assert higher.value == pytest.approx(-5 / 3)
    assert lower.value == pytest.approx(5 / 3)
    assert (lower.low, lower.high) == pytest.approx((-higher.high, -higher.low))


def test_f42_a_unit_missing_on_either_side_is_unscored():
    gap = paired_gap([1.0, math.nan, 3.0, 5.0], [0.0, 1.0, math.nan, 3.0], "higher")
    assert (gap.value, gap.n, gap.n_unscored) == (1.5, 2, 2)


def test_f42_equal_paired_differences_are_measured_and_constant():
    gap = paired_gap([5.0, 6.0, 7.0], [3.0, 4.0, 5.0], "higher")
    assert (gap.value, gap.low, gap.high, gap.constant, gap.n) == (2.0, 2.0, 2.0, True, 3)


def test_rounding_errors_never_pass_for_a_gap():
    returns = np.array([0.1, 0.2, 0.3] * 4)
    one = np.full(12, returns.sum())
    other = np.full(12, returns[::-1].cumsum()[-1] * (1 + 2e-16))
    gap = paired_gap(np.maximum(one, other) + 0.0, np.minimum(one, other), "higher")
    assert gap.value == 0.0
    assert gap.constant
    assert differences([1e-20], [0.0])[0] == 1e-20  # small is not the same as rounding


def test_unequal_shapes_and_unknown_directions_are_refused():
    with pytest.raises(ValueError, match="equal shapes"):
        paired_gap([1.0], [1.0, 2.0], "higher")
    with pytest.raises(ValueError, match="'higher' or 'lower'"):
        paired_gap([1.0], [1.0], "up")  # type: ignore[arg-type]


# --- the rest ---


def test_wilson_interval_equals_the_hand_computed_one():
    z = 1.959963984540054
    centre = (0.9 + z**2 / 20) / (1 + z**2 / 10)
    half = z / (1 + z**2 / 10) * math.sqrt(0.9 * 0.1 / 10 + z**2 / 400)
    estimate = proportion_interval(9, 10, n_unscored=3)
    assert (estimate.low, estimate.high) == pytest.approx((centre - half, centre + half))
    assert (estimate.value, estimate.n, estimate.n_unscored) == (0.9, 10, 3)


def test_wilson_interval_at_the_ends_has_width():
    none, all_of_them = proportion_interval(0, 10), proportion_interval(10, 10)
    assert (none.low, none.value) == (0.0, 0.0)
    assert none.high == pytest.approx(0.2775, abs=1e-4)
    assert all_of_them.low == pytest.approx(1 - 0.2775, abs=1e-4)
    assert not proportion_interval(0, 0).measured
    with pytest.raises(ValueError, match="between 0 and 3"):
        proportion_interval(4, 3)


def test_iqm_leaves_out_a_quarter_at_each_end_and_nan():
    assert iqm([-100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 500.0, math.nan]) == 3.5
    assert iqm([7.0]) == 7.0
    assert math.isnan(iqm([]))


def test_holm_equals_the_hand_computed_adjustment():
    # sorted .01 .02 .04 -> 3*.01, 2*.02, 1*.04, made monotone
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_holm_does_not_count_tests_that_were_not_made():
    adjusted = holm([0.02, math.nan, 0.01])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.02])
    assert math.isnan(adjusted[1])


def test_sign_flip_p_value_equals_the_enumeration():
    # of the 8 sign patterns of (1, 2, 3) only the observed one reaches a mean of 2
    assert paired_p_value([1.0, 2.0, 3.0]) == pytest.approx(1 / 8)
    assert paired_p_value([1.0, 2.0, 3.0], alternative="two-sided") == pytest.approx(2 / 8)
    assert paired_p_value([-1.0, -2.0, -3.0]) == pytest.approx(1.0)
    assert math.isnan(paired_p_value([1.0]))


def test_sign_flip_p_value_of_many_units_is_seeded_and_never_zero():
    values = np.full(30, 1.0) + np.linspace(0, 0.1, 30)
    assert paired_p_value(values) == paired_p_value(values) == pytest.approx(1e-4, rel=0.01)


def test_difference_of_independent_means_is_welchs():
    rng = np.random.default_rng(4)
    first, second = rng.normal(1.0, 1.0, 7), rng.normal(0.0, 3.0, 12)
    found = mean_difference([*first, math.nan], second)
    ends = scipy_stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(first.mean() - second.mean())
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert (found.n, found.n_unscored) == (7, 1)


def test_difference_of_constants_has_no_width_and_of_one_unit_is_not_measured():
    assert mean_difference([2.0, 2.0], [0.5, 0.5]) == Estimate(1.5, 1.5, 1.5, 2, 0, constant=True)
    half = mean_difference([2.0, 2.0, 2.0], [0.0, 1.0, 2.0])
    assert half.low < half.value == 1.0 < half.high
    assert not mean_difference([1.0], [1.0, 2.0]).measured


def test_equal_shares_of_few_units_are_not_certain():
    nothing = mean_share_interval([0.0] * 4)
    assert (nothing.value, nothing.low, nothing.constant) == (0.0, 0.0, False)
    assert nothing.high == pytest.approx(proportion_interval(0, 4).high)
    everything = mean_share_interval([1.0] * 30)
    assert (everything.low, everything.high) == (proportion_interval(30, 30).low, 1.0)
    half = mean_share_interval([0.5] * 5)  # 2.5 of 5: from below 2 to above 3
    assert half.low == pytest.approx(proportion_interval(2, 5).low)
    assert half.high == pytest.approx(proportion_interval(3, 5).high)


def test_shares_that_differ_have_the_interval_of_their_mean_within_bounds():
    shares = [0.0, 0.0, 0.1, 0.0, 0.2]
    usual, found = mean_interval(shares), mean_share_interval(shares)
    assert usual.low < 0.0 == found.low
    assert (found.value, found.high) == (usual.value, usual.high)
    assert not mean_share_interval([0.5]).measured
    assert mean_share_interval([0.5, math.nan, 0.7]).n_unscored == 1
    with pytest.raises(ValueError, match="from 0 to 1"):
        mean_share_interval([0.5, 1.5])
