"""What an objective is: a total preorder over the stationary policies of a finite problem."""

from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.mdp import SUM_TOLERANCE, FiniteMDP

Policies: TypeAlias = Float[np.ndarray, "policies states actions"]
"""Stationary stochastic policies of one problem; the rows of each sum to one."""

TIE_TOLERANCE = 1e-9
"""Differences up to this share of the larger value are rounding, not a preference."""


@runtime_checkable
class ValuedObjective(Protocol):
    """An objective that gives every policy a number; larger is better."""

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return what each policy is worth in a problem."""


@runtime_checkable
class OrderingObjective(Protocol):
    """An objective that compares policies and need not give them numbers."""

    def compare(
        self, mdp: FiniteMDP, first: Policies, second: Policies
    ) -> Int[np.ndarray, " policies"]:
        """Return 1 where the first policy of a pair is better, -1 where worse, 0 for a tie."""


Objective: TypeAlias = ValuedObjective | OrderingObjective


def value_of(
    objective: ValuedObjective, mdp: FiniteMDP, policy: Float[np.ndarray, "states actions"]
) -> float:
    """Return what one policy is worth."""
    return float(objective.values(mdp, policy[None])[0])


def comparisons(
    objective: Objective, mdp: FiniteMDP, first: Policies, second: Policies
) -> Int[np.ndarray, " policies"]:
    """Return 1 where the first policy of a pair is better, -1 where worse, 0 for a tie.

    Args:
        objective: Of either kind.
        mdp: The problem.
        first: Shape (policies, states, actions).
        second: The same shape; compared with `first` row by row.
    """
    if isinstance(objective, OrderingObjective):
        return objective.compare(mdp, first, second)
    return signs(objective.values(mdp, first), objective.values(mdp, second))


def signs(
    first: Float[np.ndarray, "*axes"], second: Float[np.ndarray, "*axes"]
) -> Int[np.ndarray, "*axes"]:
    """Return the sign of `first - second`; rounding counts as zero."""
    scale = TIE_TOLERANCE * np.maximum(1.0, np.maximum(np.abs(first), np.abs(second)))
    gap = first - second
    return np.where(np.abs(gap) <= scale, 0, np.sign(gap)).astype(np.int64)


def check_policies(mdp: FiniteMDP, policies: Policies) -> None:
    """Refuse what is not a batch of policies of the problem, or a problem with a horizon.

    Raises:
        InputError: The shape is not (policies, states, actions), a probability is negative, a row
            does not sum to one, or the problem has a horizon (objectives are about endless runs).
    """
    if mdp.horizon is not None:
        raise InputError(
            f"expected a problem without a horizon, got one of {mdp.horizon} steps",
            hint="let the episode end in a state that no action leaves",
        )
    if policies.ndim != 3 or policies.shape[1:] != mdp.rewards.shape:
        raise InputError(
            f"expected policies of shape (policies, {mdp.n_states}, {mdp.n_actions}), "
            f"got {policies.shape}"
        )
    # written so that NaN does not pass
    right = (np.abs(policies.sum(axis=2) - 1) <= SUM_TOLERANCE) & (policies >= 0).all(axis=2)
    if not right.all():
        policy, state = map(int, np.argwhere(~right)[0])
        raise InputError(
            f"expected the action probabilities of policy {policy} in {mdp.state_name(state)} "
            f"to be from 0 to 1 and sum to 1, got {policies[policy, state].tolist()}"
        )
