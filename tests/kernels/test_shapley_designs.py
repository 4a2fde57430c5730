"""Designs of coalitions on games whose Shapley values are known."""

import numpy as np
import pytest
from scipy import stats

from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.kernels.shapley_designs import antithetic_chain, every_coalition


def game(n_players, seed=0):
    """A random game as values of all coalitions, and as a function of masks."""
    values = np.random.default_rng(seed).normal(size=2**n_players)
    return values, lambda masks: values[masks @ (1 << np.arange(n_players))]


def test_a_chain_of_three_by_hand():
    design = antithetic_chain(3, np.random.default_rng(0))
    first = int(design.masks[1].argmax())  # joins first, and last on the way back
    last = int((~design.masks[2]).argmax())
    (middle,) = {0, 1, 2} - {first, last}
    worth = {(): 0.0, (first,): 1.0, (first, middle): 3.0, (last,): 5.0, (middle, last): 6.0}
    worth[tuple(range(3))] = 10.0
    by_sorted = {tuple(sorted(key)): value for key, value in worth.items()}
    values = np.array([by_sorted[tuple(np.flatnonzero(m))] for m in design.masks])
    # first: (1 - 0 and 10 - 6) / 2; middle: (3 - 1 and 6 - 5) / 2; last: (10 - 3 and 5 - 0) / 2
    found = design.matrix @ values
    assert found[[first, middle, last]].tolist() == [2.5, 1.5, 6.0]


@pytest.mark.parametrize("n_players", [1, 2, 3, 7, 12])
def test_f38_chains_run_from_nothing_to_all_and_add_up(n_players):
    values, worth = game(n_players)
    design = antithetic_chain(n_players, np.random.default_rng(5))
    assert design.masks.shape == (2 * n_players, n_players)
    assert not design.masks[0].any()
    assert design.masks[-1].all()
    assert (design.matrix @ worth(design.masks)).sum() == pytest.approx(values[-1] - values[0])


def test_f37_every_coalition_is_exact():
    values, worth = game(5)
    design = every_coalition(5)
    assert design.matrix @ worth(design.masks) == pytest.approx(exact_shapley(values))
    assert not design.masks[0].any()
    assert design.masks[-1].all()


def test_a_chain_is_exact_where_no_more_than_two_players_interact():
    rng = np.random.default_rng(2)
    single, pairs = rng.normal(size=6), np.triu(rng.normal(size=(6, 6)), 1)
    masks = coalition_masks(6).astype(float)
    values = masks @ single + np.einsum("ci,ij,cj->c", masks, pairs, masks)
    design = antithetic_chain(6, rng)
    found = design.matrix @ values[design.masks @ (1 << np.arange(6))]
    assert found == pytest.approx(exact_shapley(values))


def test_the_mean_of_noisy_chains_is_unbiased_and_its_errors_are_calibrated():
    # noise as large as the game; 300 means of 25 chains: shares have an error of 1.3 points
    n_players, n_chains, n_means = 4, 25, 300
    values, worth = game(n_players, seed=1)
    true = exact_shapley(values)
    rng = np.random.default_rng(7)
    chains = np.array(
        [
            design.matrix @ (worth(design.masks) + rng.normal(size=len(design.masks)))
            for design in (antithetic_chain(n_players, rng) for _ in range(n_means * n_chains))
        ]
    ).reshape(n_means, n_chains, n_players)
    means = chains.mean(axis=1)
    errors = chains.std(axis=1, ddof=1) / np.sqrt(n_chains)
    covered = (np.abs(means - true) <= stats.t.ppf(0.975, n_chains - 1) * errors).mean(axis=0)
    assert ((covered >= 0.91) & (covered <= 0.985)).all(), covered
    overall = chains.reshape(-1, n_players)
    off = (overall.mean(axis=0) - true) / (overall.std(axis=0) / np.sqrt(len(overall)))
    assert np.abs(off).max() < 3.5


def test_without_players_there_is_no_chain():
    with pytest.raises(ValueError, match="at least 1 player, got 0"):
        antithetic_chain(0, np.random.default_rng(0))
