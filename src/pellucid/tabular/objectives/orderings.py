"""GOMORL, OMO and TLO: any total preorder on what policies make happen.

A comparison takes two batches and returns 1 where the first is better, -1 where worse, 0 for a tie.
Unlike a real-valued function it can be lexicographic on a continuum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.laws import canonical, transition_visits
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.objective import Policies, check_policies, signs

Comparison: TypeAlias = Callable[
    [Float[np.ndarray, "policies *axes"], Float[np.ndarray, "policies *axes"]],
    Int[np.ndarray, " policies"],
]
PolicyComparison: TypeAlias = Callable[
    [FiniteMDP, Policies, Policies], Int[np.ndarray, " policies"]
]


@dataclass(frozen=True, eq=False)
class MultiObjectiveOrdering:
    """GOMORL: any total preorder on vectors of expected discounted returns.

    Args:
        rewards: Give the vector.
        order: Compares vectors, shape (policies, k).
    """

    rewards: tuple[MarkovReward, ...]
    order: Comparison

    def compare(
        self, mdp: FiniteMDP, first: Policies, second: Policies
    ) -> Int[np.ndarray, " policies"]:
        """Compare the returns of two batches of policies."""
        one, other = (
            np.stack([reward.values(mdp, policies) for reward in self.rewards], axis=1)
            for policies in (first, second)
        )
        return self.order(one, other)


@dataclass(frozen=True, eq=False)
class OccupancyOrdering:
    """OMO: any total preorder on discounted transition visits.

    Args:
        discount: Weight of the next step in the visits.
        order: Compares visits, shape (policies, states, actions, states).
    """

    discount: float
    order: Comparison

    def compare(
        self, mdp: FiniteMDP, first: Policies, second: Policies
    ) -> Int[np.ndarray, " policies"]:
        """Compare the visits of two batches of policies."""
        one, other = (transition_visits(mdp, p, self.discount) for p in (first, second))
        return self.order(one, other)


@dataclass(frozen=True, eq=False)
class LotteryOrdering:
    """TLO: any total preorder on the laws over whole trajectories.

    Args:
        order: Compares laws, given as `canonical` policies of a problem.
    """

    order: PolicyComparison

    def compare(
        self, mdp: FiniteMDP, first: Policies, second: Policies
    ) -> Int[np.ndarray, " policies"]:
        """Compare the laws of two batches of policies."""
        check_policies(mdp, first)
        check_policies(mdp, second)
        return self.order(mdp, canonical(mdp, first), canonical(mdp, second))


def lexicographic(
    first: Float[np.ndarray, "policies k"], second: Float[np.ndarray, "policies k"]
) -> Int[np.ndarray, " policies"]:
    """Compare vectors by their first component, ties by the second, and so on."""
    found = signs(first, second)
    decisive = (found != 0).argmax(axis=1)
    return np.asarray(found[np.arange(len(found)), decisive])
