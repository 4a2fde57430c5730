"""Policy search by dynamic programming: the best of a class step by step, from the last one back.

Source: Bagnell, Kakade, Ng & Schneider 2003 (PSDP); Li 2025, ch. 6 (what it needs of the class).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.simulating import (
    advanced,
    check_problem,
    check_resets,
    drawn,
    exact_values,
    returns_to_go,
)
from pellucid.tabular.contrastive.staged import StagedMDP

_ROUNDING = 1e-12
_Worths: TypeAlias = Callable[
    [int, Int[np.ndarray, "steps states"]], Float[np.ndarray, "states actions"]
]


@dataclass(frozen=True, eq=False)
class StagedChoice:
    """A policy put together from one member of a class per step.

    Args:
        chosen: Shape (steps,), the member that acts at each step.
        actions: Shape (steps, states), what it does.
        scores: Shape (steps,), what the member was worth when it was chosen.
    """

    chosen: Int[np.ndarray, " steps"]
    actions: Int[np.ndarray, "steps states"]
    scores: Float[np.ndarray, " steps"]

    def value(self, mdp: StagedMDP) -> float:
        """Return the exact expected return of the policy."""
        made = PolicyClass(self.actions[None], mdp.n_actions)
        return float(exact_values(mdp, made)[0])


def psdp(
    mdp: StagedMDP,
    policies: PolicyClass,
    resets: Float[np.ndarray, "steps states"],
    n: int,
    rng: np.random.Generator,
) -> StagedChoice:
    """Return what dynamic programming over the class chooses from samples.

    A step's samples start in a state of its start distribution, take an even random action there
    and go on with what was chosen for later steps.

    Args:
        mdp: Rewards in [0, 1] are drawn as 0 or 1.
        policies: The class. Small errors may double at every step unless some member is greedy for
            each member's values (completeness).
        resets: Shape (steps, states), the distribution that a step is started from.
        n: Samples per step.
        rng: Draws everything.

    Raises:
        InputError: The policies or the distributions are for another problem, or there is no
            sample.
    """
    _check(mdp, policies, resets)
    if n < 1:
        raise InputError(f"expected at least one sample per step, got {n}")

    def worths(
        step: int, later: Int[np.ndarray, "steps states"]
    ) -> Float[np.ndarray, "states actions"]:
        start = drawn(np.broadcast_to(resets[step], (n, mdp.n_states)), rng)
        actions = rng.integers(mdp.n_actions, size=n)
        returns, states = advanced(mdp, step, start, actions, rng)
        if step + 1 < mdp.n_steps:
            followed = np.broadcast_to(later, (n, *later.shape))
            returns = returns + returns_to_go(mdp, step + 1, states, followed, rng)
        sums = np.zeros((mdp.n_states, mdp.n_actions))
        np.add.at(sums, (start, actions), returns)
        return sums * mdp.n_actions / n

    return _programmed(mdp, policies, worths, np.zeros(mdp.n_steps))


def psdp_exact(
    mdp: StagedMDP,
    policies: PolicyClass,
    resets: Float[np.ndarray, "steps states"],
    *,
    slack: Float[np.ndarray, " steps"] | None = None,
) -> StagedChoice:
    """Return what dynamic programming over the class chooses with exact values.

    Args:
        mdp: The problem.
        policies: The class.
        resets: Shape (steps, states), the distribution that a step is started from.
        slack: Shape (steps,): at a step the worst member is chosen whose score is not further than
            this from the best one, as an adversary would; zeros if None.

    Raises:
        InputError: The policies, the distributions or the slack are for another problem.
    """
    _check(mdp, policies, resets)
    if slack is not None and (slack.shape != (mdp.n_steps,) or not (slack >= 0).all()):
        raise InputError(f"expected {mdp.n_steps} numbers from 0 on as slack, got {slack}")
    values = np.zeros((mdp.n_steps + 1, mdp.n_states))
    states = np.arange(mdp.n_states)

    def worths(
        step: int, later: Int[np.ndarray, "steps states"]
    ) -> Float[np.ndarray, "states actions"]:
        if step + 1 < mdp.n_steps:
            following = mdp.rewards[step + 1] + mdp.transitions[step + 1] @ values[step + 2]
            values[step + 1] = following[states, later[step + 1]]
        q_values = mdp.rewards[step] + mdp.transitions[step] @ values[step + 1]
        return np.asarray(resets[step][:, None] * q_values)

    allowed = np.zeros(mdp.n_steps) if slack is None else slack
    return _programmed(mdp, policies, worths, allowed)


def _programmed(
    mdp: StagedMDP,
    policies: PolicyClass,
    worths: _Worths,
    slack: Float[np.ndarray, " steps"],
) -> StagedChoice:
    """Choose step by step; `worths` is what an action is worth, weighted by how often it counts."""
    chosen = np.zeros(mdp.n_steps, dtype=np.int64)
    scores = np.zeros(mdp.n_steps)
    actions = np.zeros((mdp.n_steps, mdp.n_states), dtype=np.int64)
    states = np.arange(mdp.n_states)
    for step in range(mdp.n_steps - 1, -1, -1):
        table = worths(step, actions)
        members = table[states, policies.actions[:, step]].sum(axis=1)
        # without slack the first of the best; ties up to rounding are ties
        near = members >= members.max() - slack[step] - _ROUNDING
        wanted = np.where(near, members, np.inf) if slack[step] > 0 else np.where(near, 0, 1)
        chosen[step] = int(wanted.argmin())
        scores[step] = members[chosen[step]]
        actions[step] = policies.actions[chosen[step], step]
    return StagedChoice(chosen, actions, scores)


def _check(
    mdp: StagedMDP, policies: PolicyClass, resets: Float[np.ndarray, "steps states"]
) -> None:
    check_problem(mdp, policies)
    check_resets(mdp, resets)
