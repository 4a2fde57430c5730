"""Paired regression against exact Shapley values."""

import numpy as np
import pytest

from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.kernels.shapley_regression import paired_regression, paired_standard_errors


def _network_game(n_players, seed, n_outputs=3):
    """Values of all coalitions of a random two-layer softmax network, masked towards a baseline."""
    rng = np.random.default_rng(seed)
    state, baseline = rng.normal(size=(2, n_players))
    first = rng.normal(size=(n_players, 16)) * 1.5 / n_players**0.5
    second = rng.normal(size=(16, n_outputs))
    masks = coalition_masks(n_players)
    logits = np.tanh(np.where(masks, state, baseline) @ first) @ second
    values = np.exp(logits)
    return values / values.sum(axis=1, keepdims=True)


def _evaluate(design, values):
    return values[(design.masks * 2 ** np.arange(design.masks.shape[1])).sum(axis=1)]


@pytest.mark.parametrize("n_players", [2, 3, 5, 6])
def test_with_all_coalitions_the_result_is_exact(n_players):
    values = _network_game(n_players, 0)
    n_coalitions = max(2**n_players, 2 * n_players + 2)
    design = paired_regression(n_players, n_coalitions, np.random.default_rng(0))
    phi = design.matrix @ _evaluate(design, values)
    assert len(design.masks) == 2**n_players
    assert phi == pytest.approx(exact_shapley(values), abs=1e-10)
    assert paired_standard_errors(design, _evaluate(design, values)).max() == 0.0


@pytest.mark.parametrize("n_players", [4, 11, 20])
def test_additive_games_are_exact_at_the_smallest_budget(n_players):
    worth = np.linspace(-1, 2, n_players)
    design = paired_regression(n_players, 2 * n_players + 2, np.random.default_rng(1))
    assert design.matrix @ (3.0 + design.masks @ worth) == pytest.approx(worth, abs=1e-9)


@pytest.mark.parametrize(
    ("n_players", "n_coalitions", "largest"),
    [(10, 200, 0.03), (12, 240, 0.05), (12, 960, 0.006), (16, 1280, 0.006)],
)
def test_error_is_small_next_to_the_exact_values(n_players, n_coalitions, largest):
    # relative squared error, median of games; PERFORMANCE.md has .024 and .0031 for 12 players
    errors = []
    for seed in range(8):
        values = _network_game(n_players, seed)
        design = paired_regression(n_players, n_coalitions, np.random.default_rng(seed))
        exact = exact_shapley(values)
        phi = design.matrix @ _evaluate(design, values)
        assert phi.sum(axis=0) == pytest.approx(values[-1] - values[0], abs=1e-12)
        errors.append(((phi - exact) ** 2).sum() / (exact**2).sum())
    assert np.median(errors) < largest


def test_beats_random_orders_at_equal_budget():
    # the trivial baseline: 240 coalitions are 20 random orders of 12 players
    better = 0
    for seed in range(8):
        values = _network_game(12, seed)
        exact = exact_shapley(values)
        design = paired_regression(12, 240, np.random.default_rng(seed))
        regression = design.matrix @ _evaluate(design, values)
        rng = np.random.default_rng(seed)
        orders = np.zeros_like(exact)
        for _ in range(20):
            row = 0
            for player in rng.permutation(12):
                orders[player] += (values[row | 1 << player] - values[row]) / 20
                row |= 1 << player
        better += ((regression - exact) ** 2).sum() < ((orders - exact) ** 2).sum()
    assert better >= 7


def test_standard_errors_tell_the_size_of_the_error():
    ratios = []
    for seed in range(10):
        values = _network_game(12, seed)
        design = paired_regression(12, 300, np.random.default_rng(seed))
        errors = design.matrix @ _evaluate(design, values) - exact_shapley(values)
        expected = paired_standard_errors(design, _evaluate(design, values))
        ratios.append(np.sqrt((errors**2).mean() / (expected**2).mean()))
    assert 0.6 < np.median(ratios) < 1.4


@pytest.mark.parametrize("n_coalitions", [26, 27, 100, 1001, 5000])
def test_f36_never_more_coalitions_than_given(n_coalitions):
    design = paired_regression(12, n_coalitions, np.random.default_rng(3))
    assert len(design.masks) <= n_coalitions
    assert len(np.unique(design.masks, axis=0)) == len(design.masks)
    assert not design.masks[0].any()
    assert design.masks[1].all()
    assert (design.masks[2::2] == ~design.masks[3::2]).all()


def test_many_players_are_planned():
    design = paired_regression(64, 640, np.random.default_rng(0))
    assert len(design.masks) <= 640
    assert np.isfinite(design.matrix).all()


def test_f43_same_seed_same_design():
    first, second = (paired_regression(14, 100, np.random.default_rng(5)) for _ in range(2))
    assert (first.masks == second.masks).all()
    assert (first.matrix == second.matrix).all()


def test_too_few_players_or_coalitions_are_refused():
    with pytest.raises(ValueError, match="at least 2 players, got 1"):
        paired_regression(1, 100, np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least 22 coalitions, got 21"):
        paired_regression(10, 21, np.random.default_rng(0))
