"""Adjusted means by hand, and their standard errors against their real errors."""

import numpy as np
import pytest

from pellucid.kernels.control_variates import Adjusted, Controls, adding_up, adjusted_means


def controls(values, mean, variance, share=0.0):
    column = np.asarray(values, dtype=float)[:, None]
    return Controls(column, np.array([mean]), np.array([variance]), share)


def draws(*values):
    return np.array(values, dtype=float)[:, None, None]


def test_a_line_is_read_at_the_known_mean_by_hand():
    # y = 1 + 2 c at c = 0, 1, 2, and the mean of c over all is 4
    found = adjusted_means(draws(1, 3, 5), controls([0, 1, 2], 4.0, 1.0))
    assert found.values[0, 0] == pytest.approx(9.0)
    assert found.standard_errors[0, 0] == pytest.approx(0.0, abs=1e-12)


def test_standard_error_by_hand():
    # line through (-1, 0), (0, 3), (1, 0): slope 0, mean 1, residuals -1, 2, -1; at c = 0 all
    # weights are 1/3 and leverages 5/6, 1/3, 5/6: left out, they are -6, 3, -6
    found = adjusted_means(draws(0, 3, 0), controls([-1, 0, 1], 0.0, 2 / 3))
    assert found.values[0, 0] == pytest.approx(1.0)
    assert found.standard_errors[0, 0] == pytest.approx(np.sqrt(36 + 9 + 36) / 3)


def test_a_mean_of_a_sample_adds_its_own_error():
    found = adjusted_means(draws(0, 2, 4), controls([0, 1, 2], 1.0, 0.5, share=0.02))
    assert found.standard_errors[0, 0] == pytest.approx(2 * np.sqrt(0.5 * 0.02))


def test_controls_that_never_vary_leave_the_plain_mean_and_standard_error():
    values = np.random.default_rng(0).normal(size=(200, 1, 1))
    found = adjusted_means(values, controls(np.full(200, 3.0), 3.0, 0.0))
    assert found.values[0, 0] == pytest.approx(values.mean())
    assert found.standard_errors[0, 0] == pytest.approx(values.std() / np.sqrt(200), rel=0.01)


def test_a_line_is_not_read_far_from_where_it_was_fitted():
    # draws that hardly vary where inputs do: a slope of 1 in what is rounding would give 10^6
    rng = np.random.default_rng(0)
    values = 1e-6 * rng.normal(size=20)
    noise = rng.normal(size=20)
    found = adjusted_means(draws(*noise), controls(values, 1.0, 1.0))
    assert found.values[0, 0] == pytest.approx(noise.mean(), abs=1e-4)


def test_unit_of_a_control_does_not_matter():
    rng = np.random.default_rng(0)
    c, y = rng.normal(size=30), rng.normal(size=30)
    one = adjusted_means(draws(*y), controls(c, 0.1, 1.0, 0.01))
    other = adjusted_means(draws(*y), controls(1000 * c, 100.0, 1e6, 0.01))
    np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("n_draws", [12, 60])
def test_intervals_hold_the_mean_over_all_and_are_narrower_than_without(n_draws):
    rng = np.random.default_rng(0)
    population = rng.normal(size=5000)
    effects = 3 * population + 0.3 * population**2
    held, ratios = [], []
    for _ in range(300):
        rows = rng.choice(5000, size=n_draws, replace=False)
        y = effects[rows] + 0.5 * rng.normal(size=n_draws)
        known = controls(population[rows], population.mean(), population.var())
        found = adjusted_means(draws(*y), known)
        held.append(abs(found.values[0, 0] - effects.mean()) <= 1.96 * found.standard_errors[0, 0])
        ratios.append(found.standard_errors[0, 0] / (y.std(ddof=1) / np.sqrt(n_draws)))
    assert 0.90 < np.mean(held) < 0.99
    assert np.median(ratios) < 0.4


def test_fewer_than_three_draws_have_no_standard_error():
    assert np.isnan(adjusted_means(draws(1, 2), controls([0, 1], 0.5, 1.0)).standard_errors).all()


def test_what_is_missing_is_shared_out_by_squared_standard_errors():
    found = Adjusted(np.array([[1.0], [2.0], [3.0]]), np.array([[0.0], [1.0], [2.0]]))
    values, errors = adding_up(found, np.array([11.0]))
    np.testing.assert_allclose(values[:, 0], [1.0, 3.0, 7.0])
    assert errors is found.standard_errors


def test_exact_values_stay_as_they_are_whatever_they_should_add_up_to():
    found = Adjusted(np.ones((2, 1)), np.zeros((2, 1)))
    assert (adding_up(found, np.array([2.0 + 1e-12])).values == 1).all()
