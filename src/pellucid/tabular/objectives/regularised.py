"""RRL: a discounted reward less a charge for how the policy draws its actions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.laws import state_visits, transition_visits
from pellucid.tabular.objectives.objective import Policies


@dataclass(frozen=True, eq=False)
class RegularisedReward:
    """`E sum_t discount^t (R(s_t, a_t, s_{t+1}) - weight * F(pi(. | s_t)))`.

    Args:
        rewards: Shape (states, actions, states).
        discount: Weight of the next step, above 0 and below 1; a part of the objective.
        weight: How much the charge counts.
        charge: F: takes action distributions, shape (..., actions), and returns a number for each,
            shape (...). One function for all states.
    """

    rewards: Float[np.ndarray, "states actions next_states"]
    discount: float
    weight: float
    charge: Callable[[Float[np.ndarray, "*axes actions"]], Float[np.ndarray, "*axes"]]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the expected discounted sum of each policy, less the charge."""
        visits = transition_visits(mdp, policies, self.discount)
        states = state_visits(mdp, policies, self.discount)
        earned = np.einsum("nsat,sat->n", visits, self.rewards)
        return np.asarray(earned - self.weight * (states * self.charge(policies)).sum(axis=1))
