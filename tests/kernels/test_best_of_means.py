"""Chances that a sample mean is the largest: by hand, by enumeration and by simulation."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import binom

from pellucid.kernels.best_of_binomials import binomial_bounds
from pellucid.kernels.best_of_means import (
    bennett_bounds,
    bernstein_bounds,
    berry_esseen_bounds,
    most_probable,
)


def row(*values: float) -> np.ndarray:
    return np.array([values])


# --- exact chances ---


def test_one_draw_each_by_hand() -> None:
    # both pay, one pays, none: a tie is for whoever is asked
    lower, upper = binomial_bounds(row(0.5, 0.25), 1)
    assert lower[0] == pytest.approx([0.5 * 0.75, 0.25 * 0.5])
    assert upper[0] == pytest.approx([0.5 + 0.5 * 0.75, 0.25 + 0.75 * 0.5])


def test_that_no_arm_pays_is_left_out_of_the_published_form() -> None:
    # an arm that never pays is chosen if the others do not pay either, and it comes first
    chances = row(0.5, 0.5, 0.0)
    assert binomial_bounds(chances, 1)[1][0, 2] == pytest.approx(0.25)
    assert binomial_bounds(chances, 1, as_published=True)[1][0, 2] == pytest.approx(0.0)


@pytest.mark.parametrize("n_samples", [1, 3, 40])
def test_enumeration_of_all_outcomes(n_samples) -> None:
    chances = np.array([0.9, 0.35, 0.3])
    numbers = np.array(list(itertools.product(range(n_samples + 1), repeat=3)))
    weights = binom.pmf(numbers, n_samples, chances).prod(axis=1)
    lower, upper = binomial_bounds(chances[None], n_samples)
    for arm in range(3):
        others = np.delete(numbers, arm, axis=1).max(axis=1)
        assert lower[0, arm] == pytest.approx(weights[numbers[:, arm] > others].sum(), abs=1e-14)
        assert upper[0, arm] == pytest.approx(weights[numbers[:, arm] >= others].sum(), abs=1e-14)


@pytest.mark.parametrize("n_samples", [500, 1_000_000])
def test_many_draws_agree_with_sums_over_all_numbers(n_samples) -> None:
    chances = np.array([0.3, 0.301])
    numbers = np.arange(n_samples + 1)
    own, other = (binom(n_samples, chance) for chance in chances)
    lower, upper = binomial_bounds(chances[None], n_samples)
    assert lower[0, 0] == pytest.approx((own.pmf(numbers) * other.cdf(numbers - 1)).sum(), rel=1e-8)
    assert upper[0, 0] == pytest.approx((own.pmf(numbers) * other.cdf(numbers)).sum(), rel=1e-8)


def test_arms_that_always_or_never_pay() -> None:
    lower, upper = binomial_bounds(row(0.0, 1.0, 1.0), 5)
    assert lower[0].tolist() == [0.0, 0.0, 0.0]
    assert upper[0].tolist() == [0.0, 1.0, 1.0]


def test_tiny_chances_do_not_vanish() -> None:
    lower, _ = binomial_bounds(row(1e-12, 0.0), 1000)
    assert lower[0, 0] == pytest.approx(1e-9, rel=1e-6)


# --- bounds ---


def bounds_of(family: str, chances: np.ndarray, n_samples: int):
    """Bounds of a family for arms that pay 1 or nothing."""
    variances = chances * (1 - chances)
    if family == "berry-esseen":
        thirds = variances * (chances**2 + (1 - chances) ** 2)
        return berry_esseen_bounds(chances, variances, thirds, n_samples)
    bounds = {"bernstein": bernstein_bounds, "bennett": bennett_bounds}[family]
    return bounds(chances, variances, np.ones_like(chances), n_samples)


@pytest.mark.parametrize("family", ["berry-esseen", "bernstein", "bennett"])
@pytest.mark.parametrize("n_samples", [1, 10, 300, 20_000])
def test_bounds_hold_the_exact_chances(family, n_samples) -> None:
    rng = np.random.default_rng(n_samples)
    chances = np.vstack([rng.random((20, 4)), row(0.5, 0.5, 0.5, 0.5), row(0.0, 0.0, 0.1, 1.0)])
    exact_lower, exact_upper = binomial_bounds(chances, n_samples)
    lower, upper = bounds_of(family, chances, n_samples)
    assert (lower <= exact_lower + 1e-12).all()
    assert (upper >= exact_upper - 1e-12).all()


@pytest.mark.parametrize("family", ["berry-esseen", "bernstein", "bennett"])
def test_with_many_draws_the_best_arm_is_certain(family) -> None:
    _, upper = bounds_of(family, row(0.2, 0.5, 0.3), 10**9)
    assert upper[0].tolist() == pytest.approx([0.0, 1.0, 0.0], abs=0.03)


@pytest.mark.parametrize("family", ["bernstein", "bennett"])
def test_arms_without_spread_are_compared_exactly(family) -> None:
    means = row(0.3, 0.7, 0.5)
    bounds = {"bernstein": bernstein_bounds, "bennett": bennett_bounds}[family]
    _, upper = bounds(means, np.zeros_like(means), np.zeros_like(means), 1.0)
    assert upper[0].tolist() == pytest.approx([0.0, 1.0, 0.0], abs=1e-9)


def test_equal_means_are_never_told_apart() -> None:
    _, upper = bennett_bounds(row(0.5, 0.5), row(0.25, 0.25), row(1.0, 1.0), 10**12)
    assert upper[0].tolist() == [1.0, 1.0]


# --- the knapsack ---


def test_the_rest_goes_to_what_is_worth_most() -> None:
    # 0.2 + 0.3 are given; of the rest 0.5, 0.4 fits the first
    value = most_probable(row(0.2, 0.0, 0.3), row(0.6, 1.0, 0.3), row(1.0, 0.5, 0.0))
    assert value[0] == pytest.approx(0.6 + 0.1 * 0.5)


def test_the_knapsack_equals_the_linear_program() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        point = rng.dirichlet(np.ones(5))
        lower, upper = point * rng.random(5), point + (1 - point) * rng.random(5)
        worths = rng.random(5).round(1)
        solved = linprog(
            -worths, A_eq=np.ones((1, 5)), b_eq=[1.0], bounds=list(zip(lower, upper, strict=True))
        )
        found = most_probable(lower[None], upper[None], worths[None])
        assert found[0] == pytest.approx(-solved.fun, abs=1e-9)


def test_bounds_that_leave_nothing_count_as_the_worst() -> None:
    assert most_probable(row(0.0, 0.0), row(0.3, 0.3), row(0.2, 0.9))[0] == pytest.approx(
        0.3 * 0.9 + 0.3 * 0.2 + 0.4 * 0.9
    )
