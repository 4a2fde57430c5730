"""Rewards from preferences between pairs of trajectories of a cloned policy.

Source: Tiapkin et al. 2024 (Demonstration-Regularized RL), alg. 2: the reward is the maximum
likelihood estimate of the Bradley-Terry model, and nothing is subtracted for its uncertainty,
since the divergence from the clone already keeps the policy where the pairs came from.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import LogisticRegression

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP

PENALTY = 0.1
"""Weight of the squared rewards; what no pair distinguishes stays at the mean."""


@dataclass(frozen=True, eq=False)
class Preferences:
    """Labelled pairs of trajectories.

    Args:
        first: Shape (pairs, states * actions), how often the first one met each pair of a state
            and an action.
        second: Likewise.
        prefers_first: Shape (pairs,).
    """

    first: Int[np.ndarray, "pairs features"]
    second: Int[np.ndarray, "pairs features"]
    prefers_first: Bool[np.ndarray, " pairs"]


def draw_preferences(
    mdp: FiniteMDP,
    policy: Float[np.ndarray, "steps states actions"],
    n_pairs: int,
    rng: np.random.Generator,
) -> Preferences:
    """Return pairs of trajectories of a policy with Bradley-Terry labels.

    Args:
        mdp: With a horizon; its rewards decide the labels.
        policy: Shape (horizon, states, actions).
        n_pairs: At least 1.
        rng: Draws trajectories and labels.

    Raises:
        InputError: There is no pair to draw, or the problem has no horizon.
    """
    if n_pairs < 1 or mdp.horizon is None:
        raise InputError(f"expected pairs and a horizon, got {n_pairs} and {mdp.horizon}")
    met = _trajectories(mdp, policy, 2 * n_pairs, rng)
    first, second = met[:n_pairs], met[n_pairs:]
    lead = (first - second) @ mdp.rewards.reshape(-1)
    return Preferences(first, second, rng.random(n_pairs) < 1 / (1 + np.exp(-lead)))


def preferred_rewards(
    preferences: Preferences, shape: tuple[int, int]
) -> Float[np.ndarray, "states actions"]:
    """Return the rewards under which the labels are likeliest; they are 0 on average.

    Labels identify differences of returns only, and episodes are equally long, so that a shift
    changes no policy. Pairs that no trajectory met stay at the average.

    Args:
        preferences: Labelled pairs.
        shape: States and actions.

    Raises:
        InputError: All labels are the same, so that nothing can be estimated.
    """
    if preferences.prefers_first.all() or not preferences.prefers_first.any():
        raise InputError("expected labels of both kinds, got one", hint="draw more pairs")
    difference = preferences.first - preferences.second
    model = LogisticRegression(C=1 / PENALTY, fit_intercept=False, max_iter=1000)
    model.fit(difference, preferences.prefers_first)
    met = preferences.first.sum(axis=0) + preferences.second.sum(axis=0)
    rewards = np.asarray(model.coef_[0], dtype=np.float64)
    return np.where(met > 0, rewards - np.average(rewards, weights=met), 0.0).reshape(shape)


def unit_rewards(
    rewards: Float[np.ndarray, "states actions"],
) -> tuple[Float[np.ndarray, "states actions"], float]:
    """Return rewards shifted and scaled to fill [0, 1], and what 1 of them is worth.

    Prices of divergence and targets are to be divided by the worth too.

    Args:
        rewards: Shape (states, actions), not all equal.

    Raises:
        InputError: All rewards are equal.
    """
    worth = float(np.ptp(rewards))
    if not worth > 0:
        raise InputError("expected rewards that differ, got one value for all")
    return (rewards - rewards.min()) / worth, worth


def _trajectories(
    mdp: FiniteMDP,
    policy: Float[np.ndarray, "steps states actions"],
    n: int,
    rng: np.random.Generator,
) -> Int[np.ndarray, "trajectories features"]:
    """Return how often each of many trajectories meets each pair of a state and an action."""
    choices, outcomes = policy.cumsum(axis=2), mdp.dense.cumsum(axis=2)
    states = _picked(np.broadcast_to(mdp.initial.cumsum(), (n, mdp.n_states)), rng)
    met = np.zeros((n, mdp.rewards.size), dtype=np.int64)
    for step in range(len(policy)):
        actions = _picked(choices[step, states], rng)
        met[np.arange(n), states * mdp.n_actions + actions] += 1
        states = _picked(outcomes[states, actions], rng)
    return met


def _picked(
    cumulative: Float[np.ndarray, "rows outcomes"], rng: np.random.Generator
) -> Int[np.ndarray, " rows"]:
    drawn = (cumulative <= rng.random((len(cumulative), 1))).sum(axis=1)
    return np.asarray(np.minimum(drawn, cumulative.shape[1] - 1))
