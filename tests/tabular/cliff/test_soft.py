"""Soft policies: closed forms of bandits, limits, and the bound on how far they move."""

import math

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.kernels.divergences import total_variation
from pellucid.tabular import random_mdp, value_iteration
from pellucid.tabular.cliff import (
    effective_rewards,
    mixture_sweep,
    soft_value_iteration,
    stability_curve,
    temperature_for,
    variation_bound,
)
from tests.tabular.cliff.test_radii import bandit


def test_a_bandit_is_a_softmax() -> None:
    solved = soft_value_iteration(bandit(1.0, 0.0), 0.5)
    odds = math.exp(2.0)
    np.testing.assert_allclose(solved.policy[0], [odds / (1 + odds), 1 / (1 + odds)])
    assert solved.values[0] == pytest.approx(0.5 * math.log((odds + 1) / 2))


def test_a_reference_shifts_the_odds() -> None:
    reference = np.array([[0.2, 0.8]])
    solved = soft_value_iteration(bandit(1.0, 0.0), 1.0, reference=reference)
    assert solved.policy[0, 0] / solved.policy[0, 1] == pytest.approx(math.e / 4)


def test_cold_policies_are_greedy_and_hot_ones_uniform() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(0), discount=0.8)
    solved = value_iteration(mdp)
    cold, hot = soft_value_iteration(mdp, 1e-4), soft_value_iteration(mdp, 1e4)
    np.testing.assert_array_equal(cold.policy.argmax(axis=1), solved.actions)
    assert cold.plain_value == pytest.approx(solved.value, abs=1e-3)
    np.testing.assert_allclose(hot.policy, 1 / 3, atol=1e-3)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_policies_move_no_further_than_the_bound(temperature: float) -> None:
    rng = np.random.default_rng(4)
    mdp = random_mdp(5, 3, rng, n_successors=2, discount=0.6)
    before = soft_value_iteration(mdp, temperature).policy
    for change in (0.01, 0.1, 1.0):
        bound = variation_bound(change, temperature=temperature, discount=0.6)
        for _ in range(20):
            signs = rng.choice([-1.0, 1.0], mdp.rewards.shape)
            moved = soft_value_iteration(
                mdp.with_rewards(mdp.rewards + change * signs), temperature
            )
            assert total_variation(before, moved.policy).max() <= bound + 1e-9


def test_a_symmetric_bandit_attains_the_bound() -> None:
    # from -c, +c to +c, -c: a change of 2c
    one = soft_value_iteration(bandit(-0.3, 0.3), 0.5).policy
    other = soft_value_iteration(bandit(0.3, -0.3), 0.5).policy
    expected = variation_bound(0.6, temperature=0.5, discount=0.0)
    assert float(total_variation(one, other)[0]) == pytest.approx(expected, abs=1e-9)


def test_the_planned_temperature_meets_the_bound() -> None:
    temperature = temperature_for(0.1, variation=0.2, discount=0.9)
    assert variation_bound(0.1, temperature=temperature, discount=0.9) == pytest.approx(0.2)


def test_stability_costs_return() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(0), discount=0.8)
    best = value_iteration(mdp).value
    curve = stability_curve(mdp, np.array([0.01, 0.1, 1.0]), change=0.05, best_return=best)
    assert (np.diff(curve.returns) < 0).all()
    assert (np.diff(curve.bounds) < 0).all()
    assert curve.returns[0] <= best + 1e-9


def test_a_mixture_jumps_without_temperature_and_not_with_it() -> None:
    shares = np.linspace(0, 1, 101)
    parts = (np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    cliff = mixture_sweep(bandit(0.0, 0.0), parts, list(shares))
    smooth = mixture_sweep(bandit(0.0, 0.0), parts, list(shares), temperature=0.5)
    # neighbours of the tie at one half: half the weight moves, twice
    assert cliff.steps.max() == 0.5
    assert smooth.steps.max() <= variation_bound(0.01, temperature=0.5, discount=0.0) + 1e-9


def test_effective_rewards_by_hand() -> None:
    parts = np.array([[[1.0, 0.0]], [[0.0, 2.0]]])
    weights = np.array([[0.25], [0.75]])
    assert effective_rewards(parts, weights).tolist() == [[0.25, 1.5]]
    with pytest.raises(InputError, match=r"weights of state 0 to sum to 1, got 0\.75"):
        effective_rewards(parts, np.array([[0.25], [0.5]]))


def test_a_temperature_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="above 0, got 0"):
        soft_value_iteration(bandit(1.0, 0.0), 0.0)
    with pytest.raises(InputError, match="between 0 and 1"):
        temperature_for(0.1, variation=1.0, discount=0.5)
