"""Scales, slopes and outliers, against answers worked out by hand."""

import numpy as np
import pytest

from pellucid.kernels.interest import conduciveness, evenness, incongruity, scaled, standing_out


def test_scales_go_from_minus_one_to_one_and_keep_what_is_unknown():
    np.testing.assert_allclose(scaled(np.array([10.0, np.nan, 30.0])), [-1, np.nan, 1])


def test_what_differs_by_rounding_is_alike():
    np.testing.assert_array_equal(scaled(np.array([1.0, 1.0 + 1e-15, np.nan])), [0, 0, np.nan])
    np.testing.assert_array_equal(scaled(np.zeros(3)), np.zeros(3))


def test_evenness_is_over_what_is_possible():
    rows = np.array([[0.25] * 4, [0.5, 0.5, 0, 0], [0.5, 0.5, np.nan, np.nan], [1, *[np.nan] * 3]])
    np.testing.assert_allclose(evenness(rows), [1.0, 0.5, 1.0, 0.0])


def test_conduciveness_is_the_sine_of_the_slope():
    # slopes 1, -1 and 0: forty-five degrees up, down, and flat
    half = 1 / np.sqrt(2)
    np.testing.assert_allclose(
        conduciveness(np.array([5.0, 6.0, 5.0, 5.0])), [np.nan, half, -half, 0]
    )


def test_incongruity_finds_the_step_that_was_not_predicted_whatever_the_discount_and_unit():
    discount, unit = 0.9, 4.0
    rewards = np.random.default_rng(0).integers(0, 3, 60).astype(float)
    values = np.zeros(61)
    for step in range(59, -1, -1):
        values[step] = rewards[step] / unit + discount * values[step + 1]
    np.testing.assert_allclose(incongruity(values[:-1], rewards, values[1:]), 0.0, atol=1e-9)
    paid = rewards.copy()
    paid[20] += 40.0
    found = incongruity(values[:-1], paid, values[1:])
    assert found.argmax() == 20
    assert found[20] > 5 * np.sort(np.abs(found))[-2]


def test_incongruity_is_unknown_where_what_followed_is():
    values = np.array([2.0, 1.0, 3.0])
    found = incongruity(values, np.array([1.0, 0.0, 0.0]), np.array([1.0, np.nan, 3.0]))
    assert np.isnan(found).tolist() == [False, True, False]


def test_incongruity_of_values_that_never_change_is_not_rounding():
    values = np.full(30, 10.0)
    rewards = np.append(np.zeros(29), 10.0)
    found = incongruity(values, rewards, np.append(values[1:], 0.0))
    np.testing.assert_array_equal(found, 0.0)


def test_outliers_are_beyond_the_fences_and_told_in_interquartile_ranges():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 8.1, -2.1, np.nan])
    # quartiles 1.75 and 5.75 of eight values, median 3.5: fences at -4.25 and 11.75
    np.testing.assert_array_equal(standing_out(values), 0.0)
    found = standing_out(np.append(values, 40.0))
    assert np.flatnonzero(found).tolist() == [9]
    assert found[9] == pytest.approx((40.0 - 4.0) / (8.0 - 2.0))


def test_a_single_other_value_stands_out_of_equal_ones():
    values = np.zeros(100)
    values[7] = -1.0
    found = standing_out(values)
    assert np.flatnonzero(found).tolist() == [7]
    assert found[7] == pytest.approx(-1 / values.std())


def test_nothing_stands_out_of_rounding_or_of_nothing():
    values = np.full(50, 0.3)
    values[3] += 1e-16
    np.testing.assert_array_equal(standing_out(values), 0.0)
    np.testing.assert_array_equal(standing_out(np.full(3, np.nan)), 0.0)
