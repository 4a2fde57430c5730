"""Paired regression with sets of three, on games whose values are known."""

import numpy as np
import pytest

from pellucid.kernels.shapley_regression import paired_regression, paired_standard_errors
from pellucid.kernels.shapley_sparse import sparse_shapley


def worth(masks, threes=(), twos=(), noise=0.0):
    """Two players alone, products by twos and threes, and noise by coalition."""
    members = masks.astype(float)
    total = 2.0 * members[:, 0] - members[:, 1]
    for group in (*threes, *twos):
        total = total + 3.0 * members[:, list(group)].prod(axis=1)
    drawn = np.random.default_rng(5).normal(size=len(masks))
    return np.column_stack((total + noise * drawn, 0.5 * total))


def exact(n_players, threes=(), twos=()):
    phi = np.zeros(n_players)
    phi[0], phi[1] = 2.0, -1.0
    for group in (*threes, *twos):
        phi[list(group)] += 3.0 / len(group)
    return np.column_stack((phi, 0.5 * phi))


def solved(n_players, n_coalitions, seed=0, **kinds):
    design = paired_regression(n_players, n_coalitions, np.random.default_rng(seed))
    values = worth(design.masks, **kinds)
    return design, values, *sparse_shapley(design, values)


def test_sets_of_three_are_found_and_the_values_are_exact():
    threes, twos = ((2, 5, 9), (0, 3, 7), (11, 17, 19)), ((1, 4), (6, 8))
    design, values, phi, errors = solved(20, 400, threes=threes, twos=twos)
    known = exact(20, threes, twos)
    assert phi == pytest.approx(known, abs=1e-9)
    assert errors.max() < 1e-9
    assert np.abs(design.matrix @ values - known).max() > 0.01


def test_games_of_single_players_and_twos_are_exact_as_ever():
    twos = ((1, 4), (6, 8))
    assert solved(18, 200, twos=twos)[2] == pytest.approx(exact(18, twos=twos), abs=1e-9)


def test_noise_alone_finds_no_sets():
    for seed in range(5):
        design, values, phi, errors = solved(20, 400, seed, noise=1.0)
        assert phi == pytest.approx(design.matrix @ values, abs=1e-9)
        assert errors == pytest.approx(paired_standard_errors(design, values), abs=1e-9)


def test_values_add_up_to_what_all_players_are_worth():
    _, values, phi, _ = solved(20, 400, threes=((2, 5, 9),), noise=0.3)
    assert phi.sum(axis=0) == pytest.approx(values[1] - values[0])


def test_standard_errors_cover_about_as_often_as_they_should():
    threes = ((2, 5, 9), (0, 3, 7))
    inside = []
    for seed in range(12):
        _, _, phi, errors = solved(18, 300, seed, threes=threes, noise=0.5)
        inside.append(np.abs(phi - exact(18, threes))[:, 0] < 1.96 * errors[:, 0])
    # the noise of the empty and the full coalition, which all share, is not part of them
    assert 0.85 < np.mean(inside) <= 1.0


def test_too_few_pairs_look_for_nothing():
    design, values, phi, _ = solved(20, 42, threes=((2, 5, 9),))
    assert phi == pytest.approx(design.matrix @ values, abs=1e-9)


def test_two_players_have_no_threes():
    design = paired_regression(2, 6, np.random.default_rng(0))
    values = np.arange(4.0)[:, None]
    assert sparse_shapley(design, values)[0] == pytest.approx(design.matrix @ values)
