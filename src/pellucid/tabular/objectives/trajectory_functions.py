"""INMR, IMORL and FTR: the expectation of any function of the trajectory.

The expectation is exact where there are finitely many trajectories, which needs a problem whose
episodes end; `trajectories` refuses others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.lassos import Lasso, LassoFunction, trajectories
from pellucid.tabular.objectives.objective import Policies


@dataclass(frozen=True, eq=False)
class TrajectoryFunction:
    """FTR, `E f(trajectory)`.

    Args:
        function: f: takes an endless trajectory and returns a number.
    """

    function: LassoFunction

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the expectation under each policy.

        Raises:
            InputError: There are infinitely many trajectories.
        """
        found, chances = trajectories(mdp, policies)
        return np.asarray(np.array([self.function(lasso) for lasso in found]) @ chances)


@dataclass(frozen=True, eq=False)
class InnerNonlinear:
    """INMR, `E f(G)` with the discounted return G of the trajectory.

    Returns are rational numbers here, so that no two trajectories with different ones are confused.

    Args:
        rewards: Shape (states, actions, states), whole numbers.
        discount: Weight of the next step, above 0 and below 1.
        function: f.
    """

    rewards: Int[np.ndarray, "states actions next_states"]
    discount: Fraction
    function: Callable[[Fraction], float]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the expectation under each policy."""

        def worth(lasso: Lasso) -> float:
            return self.function(exact_return(lasso, self.rewards, self.discount))

        return TrajectoryFunction(worth).values(mdp, policies)


@dataclass(frozen=True, eq=False)
class InnerMultiObjective:
    """IMORL, `E f(G_1, ..., G_k)` with several discounted returns of the trajectory.

    Args:
        rewards: Shape (k, states, actions, states), whole numbers.
        discount: Weight of the next step, above 0 and below 1.
        function: f: takes k returns.
    """

    rewards: Int[np.ndarray, "k states actions next_states"]
    discount: Fraction
    function: Callable[[tuple[Fraction, ...]], float]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the expectation under each policy."""

        def worth(lasso: Lasso) -> float:
            returns = (exact_return(lasso, one, self.discount) for one in self.rewards)
            return self.function(tuple(returns))

        return TrajectoryFunction(worth).values(mdp, policies)


def exact_return(
    lasso: Lasso, rewards: Int[np.ndarray, "states actions next_states"], discount: Fraction
) -> Fraction:
    """Return the discounted sum of whole rewards along an endless trajectory."""

    def total(steps: tuple[tuple[int, int, int], ...]) -> Fraction:
        return sum(
            (discount**time * int(rewards[step]) for time, step in enumerate(steps)), Fraction(0)
        )

    turn = total(lasso.cycle) / (1 - discount ** len(lasso.cycle))
    return total(lasso.prefix) + discount ** len(lasso.prefix) * turn
