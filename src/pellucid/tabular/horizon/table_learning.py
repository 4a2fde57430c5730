"""Stepwise learning with shallow lookahead in tables, for problems with chance in them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import CapabilityError, InputError
from pellucid.kernels.fitted_lookahead import UNDECIDED, learn_stepwise
from pellucid.seeds import stream
from pellucid.tabular.mdp import FiniteMDP

MAX_STORED = 50_000_000
"""Most steps of one round of episodes, all of which are held."""


@dataclass(frozen=True, eq=False)
class LearnedPolicy:
    """A policy that changes with the step.

    Args:
        actions: Shape (horizon, states); -1 where no episode has been, which explores.
        value: Its expected return, exact.
        env_steps: Steps that it was learned from.
    """

    actions: Int[np.ndarray, "steps states"]
    value: float
    env_steps: int


def learn_by_lookahead(
    mdp: FiniteMDP, *, k: int, m: int, seed: int, shuffle_returns: bool = False
) -> LearnedPolicy:
    """Return a policy learned one step at a time by regression and k - 1 backups.

    For every step, m episodes follow the policy learned so far and explore from there on. The
    value of exploring after k - 1 further steps is the mean return of each cell; backups of it
    give the values at the step, and the policy is greedy with respect to them.

    Args:
        mdp: With a horizon and a discount of 1.
        k: Steps of lookahead, from 1.
        m: Episodes per step.
        seed: Of exploration and chance.
        shuffle_returns: Give returns to other episodes: a control that cannot learn.

    Raises:
        InputError: There is no horizon, or k or m is not positive.
        CapabilityError: The problem is discounted, or a round of episodes does not fit.

    Source: Laidlaw 2024, algorithm 1 (SQIRL), with a table as the regressor; rewards are replaced
    by their expectation for the action, which changes no expected target.
    """
    if mdp.horizon is None or k < 1 or m < 1:
        raise InputError(
            f"expected a horizon, lookahead and episodes from 1, got {mdp.horizon}, {k} and {m}"
        )
    if mdp.discount != 1:
        raise CapabilityError(f"expected a discount of 1, got {mdp.discount}")
    if mdp.horizon * m > MAX_STORED:
        raise CapabilityError(
            f"{m} episodes of {mdp.horizon} steps are too many: at most {MAX_STORED:,} are held"
        )
    actions = np.empty((mdp.horizon, mdp.n_states), dtype=np.int64)
    first = np.flatnonzero(mdp.initial)
    rows = mdp.csr
    env_steps = learn_stepwise(
        rows.indptr,
        rows.indices,
        rows.data,
        mdp.rewards,
        mdp.terminal,
        first,
        mdp.initial[first].cumsum(),
        k,
        m,
        shuffle_returns,
        stream(seed, "lookahead").integers(0, 2**64, dtype=np.uint64),
        actions,
    )
    return LearnedPolicy(actions, policy_value(mdp, actions), env_steps)


def policy_value(mdp: FiniteMDP, actions: Int[np.ndarray, "steps states"]) -> float:
    """Return the expected return of a policy whose actions may be -1 for exploring.

    Args:
        mdp: With a horizon.
        actions: Shape (horizon, states).
    """
    values: Float[np.ndarray, " states"] = np.zeros(mdp.n_states)
    for chosen in actions[::-1]:
        q_values = mdp.rewards + mdp.discount * mdp.expected_next(values)
        taken = np.take_along_axis(q_values, np.maximum(chosen, 0)[:, None], axis=1)[:, 0]
        values = np.where(chosen == UNDECIDED, q_values.mean(axis=1), taken)
    return float(mdp.initial @ values)
