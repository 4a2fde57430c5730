"""Several rewards at once: what the agent effectively maximises.

Source: Xu 2025 (The Policy Cliff), sec. 4: with weights that do not depend on the rewards, the
effective reward moves by at most the largest move of a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.kernels.divergences import total_variation
from pellucid.tabular.cliff.soft import soft_value_iteration
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import best_actions, value_iteration

_SUM_TOLERANCE = 1e-9


def effective_rewards(
    parts: Float[np.ndarray, "parts states actions"], weights: Float[np.ndarray, "parts states"]
) -> Float[np.ndarray, "states actions"]:
    """Return the sum of parts, each weighted by what it counts in a state.

    Args:
        parts: Shape (parts, states, actions).
        weights: Shape (parts, states), from 0 on; they sum to one in every state.

    Raises:
        InputError: Weights are negative or do not sum to one; the message names the state.
    """
    if (weights < 0).any():
        raise InputError(f"expected weights from 0 on, got {float(weights.min())}")
    off = np.flatnonzero(np.abs(weights.sum(axis=0) - 1) > _SUM_TOLERANCE)
    if len(off):
        total = float(weights[:, off[0]].sum())
        raise InputError(f"expected weights of state {off[0]} to sum to 1, got {total:.12g}")
    return np.asarray(np.einsum("ks,ksa->sa", weights, parts))


@dataclass(frozen=True, eq=False)
class MixtureSweep:
    """How behaviour changes as one reward is mixed into another.

    Args:
        shares: Shape (points,), weight of the second reward.
        policies: Shape (points, states, actions): uniform over the best actions at temperature 0.
        steps: Shape (points - 1,), largest total variation, over states, between neighbours.
    """

    shares: Float[np.ndarray, " points"]
    policies: Float[np.ndarray, "points states actions"]
    steps: Float[np.ndarray, " gaps"]


def mixture_sweep(
    mdp: FiniteMDP,
    parts: tuple[Float[np.ndarray, "states actions"], Float[np.ndarray, "states actions"]],
    shares: Sequence[float],
    *,
    temperature: float = 0.0,
) -> MixtureSweep:
    """Return the policies for every share of the second reward.

    Args:
        mdp: A discounted problem without a horizon; its rewards are not used.
        parts: The two rewards.
        shares: Weights of the second one, from 0 to 1, in order.
        temperature: 0 for the best policies, above it for the entropy-regularised one.
    """
    policies = []
    for share in shares:
        mixed = mdp.with_rewards((1 - share) * parts[0] + share * parts[1])
        if temperature > 0:
            policies.append(soft_value_iteration(mixed, temperature).policy)
        else:
            solved = value_iteration(mixed)
            best = best_actions(solved.q_values, tolerance=2 * solved.error_bound)
            policies.append(best / best.sum(axis=1, keepdims=True))
    stacked = np.stack(policies)
    steps = total_variation(stacked[1:], stacked[:-1]).max(axis=1)
    return MixtureSweep(np.array(shares), stacked, steps)
