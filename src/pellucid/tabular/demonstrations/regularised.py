"""Exact solutions when leaving a reference policy is charged, for a horizon.

Source: Tiapkin et al. 2024 (Demonstration-Regularized RL), sec. 4.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.kernels.divergences import soft_choice, soft_maximum
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import staged_occupancies, staged_policy_values


@dataclass(frozen=True, eq=False)
class RegularisedSolution:
    """The best policy when divergence from a reference is charged.

    Args:
        mdp: The problem.
        reference: Shape (steps, states, actions).
        strength: Price of one nat of divergence, in units of return.
        q_values: Shape (steps, states, actions), prices of later steps included.
        values: Shape (steps + 1, states), likewise.
        policy: Shape (steps, states, actions), the only best policy.
    """

    mdp: FiniteMDP
    reference: Float[np.ndarray, "steps states actions"]
    strength: float
    q_values: Float[np.ndarray, "steps states actions"]
    values: Float[np.ndarray, "steps_plus_one states"]
    policy: Float[np.ndarray, "steps states actions"]

    @property
    def plain_value(self) -> float:
        """Expected return of the policy, without the price."""
        return float(self.mdp.initial @ staged_policy_values(self.mdp, self.policy)[0])

    @property
    def departure(self) -> Float[np.ndarray, "steps states"]:
        """Where the policy leaves the reference: expected divergence per step and state, in nats.

        The log-ratio of policy and reference is `(q_values - values) / strength`, so that each
        departure is an advantage in units of the price.
        """
        ratio = (self.q_values - self.values[:-1, :, None]) / self.strength
        return np.asarray((staged_occupancies(self.mdp, self.policy) * ratio).sum(axis=2))


def regularised_induction(
    mdp: FiniteMDP, reference: Float[np.ndarray, "steps states actions"], strength: float
) -> RegularisedSolution:
    """Return the best policy when divergence from a reference is charged.

    Args:
        mdp: With a horizon.
        reference: Shape (horizon, states, actions), above 0.
        strength: Price of one nat of divergence, above 0.

    Raises:
        InputError: The strength is not above 0, or the problem has no horizon.
    """
    if mdp.horizon is None or not strength > 0:
        raise InputError(
            f"expected a horizon and a strength above 0, got {mdp.horizon} and {strength}"
        )
    values = np.zeros((mdp.horizon + 1, mdp.n_states))
    q_values = np.empty((mdp.horizon, *mdp.rewards.shape))
    for step in range(mdp.horizon - 1, -1, -1):
        q_values[step] = mdp.rewards + mdp.discount * mdp.expected_next(values[step + 1])
        values[step] = soft_maximum(q_values[step], strength, reference[step])
    policy = soft_choice(q_values, strength, reference)
    return RegularisedSolution(mdp, reference, strength, q_values, values, policy)


def entropy_expert(mdp: FiniteMDP, temperature: float) -> Float[np.ndarray, "steps states actions"]:
    """Return the entropy-regularised best policy: an expert that is nearly the best, and smooth.

    Args:
        mdp: With a horizon.
        temperature: Above 0, in units of return.
    """
    uniform = np.full((mdp.horizon or 0, *mdp.rewards.shape), 1 / mdp.n_actions)
    return regularised_induction(mdp, uniform, temperature).policy


def best_strength(target: float, trajectory_kl: float) -> float:
    """Return the price at which cloning error and optimisation error add up to twice the target.

    With `strength = target / trajectory_kl`, a policy that is `target`-optimal in the regularised
    problem is `expert error + 2 * target`-optimal in the true one.

    Args:
        target: Error of the optimisation, in units of return.
        trajectory_kl: Divergence of the expert from the clone, in nats.

    Raises:
        InputError: One of them is not above 0.
    """
    if not (target > 0 and trajectory_kl > 0):
        raise InputError(
            f"expected a target and a divergence above 0, got {target} and {trajectory_kl}"
        )
    return target / trajectory_kl
