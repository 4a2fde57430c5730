"""How near weaker formalisms come to an order that they cannot express."""

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.laws import transition_visits
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.objective import Policies


def nearest_markov_reward(
    mdp: FiniteMDP, policies: Policies, values: Float[np.ndarray, " policies"], discount: float
) -> MarkovReward:
    """Return the Markov reward whose returns are nearest to wanted values, by least squares.

    Args:
        mdp: The problem.
        policies: Shape (policies, states, actions).
        values: What each policy should be worth.
        discount: Of the reward.

    Raises:
        InputError: There is not one finite value per policy.
    """
    if values.shape != (len(policies),) or not np.isfinite(values).all():
        raise InputError(f"expected {len(policies)} finite values, got shape {values.shape}")
    visits = transition_visits(mdp, policies, discount).reshape(len(policies), -1)
    # of several solutions the one with the smallest rewards
    rewards = np.linalg.lstsq(visits, values, rcond=1e-10)[0]
    return MarkovReward(rewards.reshape(mdp.dense.shape), discount)


def outer_gap(
    visits: Float[np.ndarray, "policies features"],
    values: Float[np.ndarray, " policies"],
    n_directions: int,
    rng: np.random.Generator,
) -> float:
    """Return how far values are from a function of one return, over random rewards.

    For one reward: the largest difference in value between policies with neighbouring returns. If
    the values are a continuous function of some return, the least such number over rewards shrinks
    to zero as policies are added; if they are of none, it does not.

    Args:
        visits: What returns are weighted sums of; shape (policies, features).
        values: What each policy is worth.
        n_directions: Number of rewards that are tried.
        rng: Draws them.

    Returns:
        The least over rewards, in units of the values.
    """
    least = np.inf
    for direction in rng.normal(size=(n_directions, visits.shape[1])):
        order = np.argsort(visits @ direction, kind="stable")
        least = min(least, float(np.abs(np.diff(values[order])).max()))
    return least
