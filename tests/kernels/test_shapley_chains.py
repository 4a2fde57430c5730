"""Estimates against exact values, and their standard errors against their real errors."""

import numpy as np
import pytest

from pellucid.kernels import shapley_chains
from pellucid.kernels.control_variates import Controls
from pellucid.kernels.shapley_chains import (
    adjusted_chain_shapley,
    chain_evaluations,
    chain_shapley,
    regression_evaluations,
    regression_shapley,
)
from pellucid.kernels.shapley_pairs import exact_pair_shapley
from tests.kernels.test_shapley_pairs import Network, landers


def rng(seed=0):
    return np.random.default_rng(seed)


def interactions_of_two(rows):
    """A function in which no three inputs interact."""
    weights = np.arange(rows.shape[1] ** 2).reshape(rows.shape[1], -1) / 10
    return np.stack([((rows @ weights) * rows).sum(axis=1), rows.sum(axis=1)], axis=1)


def relative_error(values, exact):
    squares = ((values - exact) ** 2).sum(axis=(1, 2))
    return np.median(squares / (exact**2).sum(axis=(1, 2)))


def test_one_chain_per_row_is_exact_if_only_pairs_of_inputs_interact():
    states, background = landers(4), landers(6, seed=1)
    exact = exact_pair_shapley(interactions_of_two, states, background).mean(axis=1)
    found = chain_shapley(interactions_of_two, states, background, rng())
    np.testing.assert_allclose(found.values, exact, atol=1e-12)


@pytest.mark.parametrize("estimator", ["chains", "regression"])
def test_values_add_up_and_equal_inputs_get_nothing(estimator):
    fn, states, background = Network(7), landers(3, 7), landers(9, 7, seed=1)
    states[:, 2] = background[:, 2] = 0.5
    if estimator == "chains":
        found = chain_shapley(fn, states, background, rng())
        assert (found.values[:, 2] == 0).all()
    else:
        found = regression_shapley(fn, states, background, 60, rng())
    gain = fn(states) - fn(background).mean(axis=0)
    np.testing.assert_allclose(found.values.sum(axis=1), gain, atol=1e-12)


def test_a_state_that_is_its_own_background_gets_zero():
    states = landers(1, 7)
    found = chain_shapley(Network(7), states, np.tile(states, (3, 1)), rng())
    assert (found.values == 0).all()


def test_chains_evaluate_exactly_what_is_told():
    fn, states, background = Network(7), landers(5, 7), landers(9, 7, seed=1)
    chain_shapley(fn, states, background, rng())
    told = chain_evaluations(states, background)
    assert fn.n_rows == told
    # no two of seven inputs equal: 2 (7 - 1) per chain and each end once
    assert told < 5 * 9 * 12 + 5 + 9
    other = rng(4).normal(size=(9, 7))
    assert chain_evaluations(rng(3).normal(size=(5, 7)), other) == 5 * 9 * 12 + 5 + 9


def test_f36_regressions_evaluate_at_most_what_is_told():
    fn, states, background = Network(9), landers(5, 9), landers(6, 9, seed=1)
    regression_shapley(fn, states, background, 56, rng())
    assert 0 < fn.n_rows <= regression_evaluations(5, 6, 56)


@pytest.mark.parametrize("estimator", ["chains", "regression"])
def test_standard_errors_cover_the_mean_over_the_rows_that_could_be_drawn(estimator):
    # 25 draws of 24 rows out of 300: two standard errors hold the exact mean in about 95 %
    fn, states, population = Network(6), landers(3, 6), landers(300, 6, seed=1)
    exact = exact_pair_shapley(fn, states, population).mean(axis=1)
    inside = []
    for seed in range(25):
        background = population[rng(seed).integers(300, size=24)]
        if estimator == "chains":
            found = chain_shapley(fn, states, background, rng(seed))
        else:
            found = regression_shapley(fn, states, background, 30, rng(seed))
        inside.append(np.abs(found.values - exact) <= 2 * found.standard_errors)
    assert 0.90 < np.mean(inside) < 0.98


@pytest.mark.parametrize(("n_inputs", "largest"), [(12, 0.012), (16, 0.012)])
def test_error_next_to_exact_values_falls_with_the_budget(n_inputs, largest):
    fn = Network(n_inputs)
    states, background = rng(1).normal(size=(2, n_inputs)), rng(2).normal(size=(5, n_inputs))
    exact = exact_pair_shapley(fn, states, background).mean(axis=1)
    errors = {}
    for n_coalitions in (3 * n_inputs, 8 * n_inputs, 24 * n_inputs):
        errors[n_coalitions] = np.mean(
            [
                relative_error(
                    regression_shapley(fn, states, background, n_coalitions, rng(s)).values, exact
                )
                for s in range(4)
            ]
        )
    small, middle, large = errors.values()
    assert small > middle > large
    assert large < largest
    # at equal cost, random orders are the baseline: one chain is 2 (n - 1) evaluations
    orders = np.mean(
        [
            relative_error(
                chain_shapley(fn, states, np.tile(background, (12, 1)), rng(s)).values, exact
            )
            for s in range(4)
        ]
    )
    assert large < orders


def test_a_single_row_has_no_standard_error():
    fn, states, background = Network(7), landers(2, 7), landers(1, 7, seed=1)
    assert np.isnan(chain_shapley(fn, states, background, rng()).standard_errors).all()
    assert np.isnan(regression_shapley(fn, states, background, 40, rng()).standard_errors).all()


@pytest.mark.parametrize("estimator", ["chains", "regression"])
def test_f43_same_seed_same_bytes(estimator):
    fn, states, background = Network(8), landers(3, 8), landers(6, 8, seed=1)
    shares = []
    if estimator == "chains":
        made = [chain_shapley(fn, states, background, rng(5), progress=shares.append) for _ in "ab"]
    else:
        made = [
            regression_shapley(fn, states, background, 50, rng(5), progress=shares.append)
            for _ in "ab"
        ]
    assert made[0].values.tobytes() == made[1].values.tobytes()
    assert made[0].standard_errors.tobytes() == made[1].standard_errors.tobytes()
    assert shares[-1] == 1.0


def known(population, rows):
    return Controls(population[rows], population.mean(axis=0), population.var(axis=0))


def test_adjusted_chains_have_smaller_errors_that_their_intervals_hold():
    fn, states, population = Network(6), landers(3, 6), landers(300, 6, seed=1)
    exact = exact_pair_shapley(fn, states, population).mean(axis=1)
    totals = fn(states) - fn(population).mean(axis=0)
    inside, errors = [], {"plain": [], "adjusted": []}
    for seed in range(25):
        rows = rng(seed).choice(300, size=24, replace=False)
        plain = chain_shapley(fn, states, population[rows], rng(seed))
        found = adjusted_chain_shapley(
            fn, states, population[rows], known(population, rows), totals, rng(seed)
        )
        np.testing.assert_allclose(found.values.sum(axis=1), totals, atol=1e-12)
        inside.append(np.abs(found.values - exact) <= 2 * found.standard_errors)
        errors["plain"].append(relative_error(plain.values, exact))
        errors["adjusted"].append(relative_error(found.values, exact))
    assert 0.90 < np.mean(inside) < 0.99
    assert np.mean(errors["adjusted"]) < 0.5 * np.mean(errors["plain"])


def test_chains_in_small_batches_have_the_same_values(monkeypatch):
    fn, states, background = Network(7), landers(3, 7), landers(9, 7, seed=1)
    whole = chain_shapley(fn, states, background, rng())
    n_rows = fn.n_rows
    monkeypatch.setattr(shapley_chains, "MOST_NUMBERS", 200)
    parts = chain_shapley(fn, states, background, rng())
    assert fn.n_rows == 2 * n_rows
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-15)
