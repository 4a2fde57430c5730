"""MR: the expected discounted sum of a reward per transition."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.laws import transition_visits
from pellucid.tabular.objectives.objective import Policies


@dataclass(frozen=True, eq=False)
class MarkovReward:
    """`E sum_t discount^t R(s_t, a_t, s_{t+1})`.

    Args:
        rewards: Shape (states, actions, states).
        discount: Weight of the next step, above 0 and below 1; a part of the objective.
    """

    rewards: Float[np.ndarray, "states actions next_states"]
    discount: float

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the expected discounted return of each policy."""
        visits = transition_visits(mdp, policies, self.discount)
        return np.asarray(np.einsum("nsat,sat->n", visits, self.rewards))
