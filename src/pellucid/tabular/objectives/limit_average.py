"""LAR: the long-run average of a reward per transition."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.laws import limit_frequencies
from pellucid.tabular.objectives.objective import Policies


@dataclass(frozen=True, eq=False)
class LimitAverage:
    """`lim_N (1/N) E sum_{t<N} R(s_t, a_t, s_{t+1})`, which exists for stationary policies.

    Args:
        rewards: Shape (states, actions, states).
    """

    rewards: Float[np.ndarray, "states actions next_states"]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the long-run average reward of each policy."""
        shares = limit_frequencies(mdp, policies)
        return np.asarray(np.einsum("nsat,sat->n", shares, self.rewards))
