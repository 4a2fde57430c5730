"""ONMR, OMORL, FOMR and FTLR: a number that is any function of what a policy makes happen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.laws import canonical, transition_visits
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.objective import Policies, check_policies


@dataclass(frozen=True, eq=False)
class OuterNonlinear:
    """ONMR, `f(J)`: any function of one expected discounted return.

    Args:
        reward: Gives J.
        function: f: takes returns, shape (policies,), and returns as many numbers.
    """

    reward: MarkovReward
    function: Callable[[Float[np.ndarray, " policies"]], Float[np.ndarray, " policies"]]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the function of each policy's return."""
        return self.function(self.reward.values(mdp, policies))


@dataclass(frozen=True, eq=False)
class OuterMultiObjective:
    """OMORL, `f(J_1, ..., J_k)`: any function of several expected discounted returns.

    Args:
        rewards: Give the returns.
        function: f: takes returns, shape (policies, k), and returns (policies,) numbers.
    """

    rewards: tuple[MarkovReward, ...]
    function: Callable[[Float[np.ndarray, "policies k"]], Float[np.ndarray, " policies"]]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the function of each policy's returns."""
        return self.function(
            np.stack([reward.values(mdp, policies) for reward in self.rewards], axis=1)
        )


@dataclass(frozen=True, eq=False)
class OccupancyFunction:
    """FOMR, `f(m)`: any function of the discounted transition visits.

    Args:
        discount: Weight of the next step in m.
        function: f: takes visits, shape (policies, states, actions, states).
    """

    discount: float
    function: Callable[
        [Float[np.ndarray, "policies states actions next_states"]], Float[np.ndarray, " policies"]
    ]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the function of each policy's visits."""
        return self.function(transition_visits(mdp, policies, self.discount))


@dataclass(frozen=True, eq=False)
class LotteryFunction:
    """FTLR, `f(L)`: any function of the law over whole trajectories.

    Args:
        function: f: takes the problem and the laws as `canonical` policies, so that it cannot tell
            two policies with one law apart.
    """

    function: Callable[[FiniteMDP, Policies], Float[np.ndarray, " policies"]]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the function of each policy's law."""
        check_policies(mdp, policies)
        return self.function(mdp, canonical(mdp, policies))
