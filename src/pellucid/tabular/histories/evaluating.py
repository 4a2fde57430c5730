"""Exact values of policies of histories, and all histories there are with what follows them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.histories.pomdp import FinitePOMDP, HistoryPolicy, Tokens

MOST_HISTORIES = 2_000_000
"""Histories of one step that are listed at most: about a gigabyte of tokens and beliefs."""


@dataclass(frozen=True, eq=False)
class Histories:
    """Histories of one step.

    Args:
        step: The step, from 0.
        tokens: Shape (histories, 2 * step + 1).
        joint: Shape (histories, states): chance of a history together with a state.
    """

    step: int
    tokens: Tokens
    joint: Float[np.ndarray, "histories states"]

    @property
    def chances(self) -> Float[np.ndarray, " histories"]:
        """The chance of each history; they sum to one."""
        return np.asarray(self.joint.sum(axis=1))

    @property
    def beliefs(self) -> Float[np.ndarray, "histories states"]:
        """The chance of each state given the history."""
        return np.asarray(self.joint / self.chances[:, None])


def policy_value(pomdp: FinitePOMDP, policy: HistoryPolicy) -> float:
    """Return the exact expected return of a deterministic policy of histories.

    Args:
        pomdp: The problem.
        policy: Takes a step and histories, returns the action of each.

    Raises:
        InputError: The policy reaches more histories than can be listed.
    """
    value = 0.0
    found = first_histories(pomdp)
    for step in range(pomdp.n_steps):
        actions = np.asarray(policy(step, found.tokens))
        value += float((found.joint * pomdp.mdp.rewards[step][:, actions].T).sum())
        if step + 1 < pomdp.n_steps:
            found = _following(pomdp, found, np.arange(len(actions)), actions, 1.0)
    return value


def all_histories(pomdp: FinitePOMDP) -> list[Histories]:
    """Return every possible history of every step, with its chance under even actions.

    Args:
        pomdp: The problem.

    Raises:
        InputError: There are more than can be listed.
    """
    found = [first_histories(pomdp)]
    n_actions = pomdp.n_actions
    for _ in range(pomdp.n_steps - 1):
        n = len(found[-1].tokens)
        rows, actions = np.repeat(np.arange(n), n_actions), np.tile(np.arange(n_actions), n)
        found.append(_following(pomdp, found[-1], rows, actions, 1 / n_actions))
    return found


def first_histories(pomdp: FinitePOMDP) -> Histories:
    """Return the histories before the first action."""
    joint = (pomdp.mdp.initial[:, None] * pomdp.emissions[0]).T
    return _possible(0, np.arange(pomdp.n_observations)[:, None], joint)


def best_value(pomdp: FinitePOMDP) -> float:
    """Return the largest expected return that any policy of histories has.

    Args:
        pomdp: The problem.

    Raises:
        InputError: There are more histories than can be listed.
    """
    levels = all_histories(pomdp)
    following = np.zeros(0)
    for level in reversed(levels):
        weighted = np.einsum("hs,sa->ha", level.joint, pomdp.mdp.rewards[level.step])
        if level.step + 1 < pomdp.n_steps:
            weighted += _summed_by_parent(pomdp, level, levels[level.step + 1], following)
        following = weighted.max(axis=1)
    return float(following.sum())


# --- inside ---


def _following(
    pomdp: FinitePOMDP,
    found: Histories,
    rows: Int[np.ndarray, " pairs"],
    actions: Int[np.ndarray, " pairs"],
    chance: float,
) -> Histories:
    n_observations, step = pomdp.n_observations, found.step + 1
    if len(rows) * n_observations > MOST_HISTORIES:
        raise InputError(
            f"expected at most {MOST_HISTORIES} histories at step {step}, "
            f"got {len(rows) * n_observations}",
            hint="sample episodes instead",
        )
    moves = pomdp.mdp.transitions[found.step].transpose(1, 0, 2)
    moved = chance * np.einsum("ps,pst->pt", found.joint[rows], moves[actions])
    joint = moved[:, None, :] * pomdp.emissions[step].T[None]
    tokens = np.empty((len(rows), n_observations, 2 * step + 1), dtype=np.int64)
    tokens[:, :, :-2] = found.tokens[rows, None]
    tokens[:, :, -2] = actions[:, None]
    tokens[:, :, -1] = np.arange(n_observations)
    n_states = joint.shape[2]
    return _possible(step, tokens.reshape(-1, 2 * step + 1), joint.reshape(-1, n_states))


def _possible(step: int, tokens: Tokens, joint: Float[np.ndarray, "histories states"]) -> Histories:
    kept = joint.sum(axis=1) > 0
    return Histories(step, tokens[kept], joint[kept])


def _summed_by_parent(
    pomdp: FinitePOMDP, level: Histories, later: Histories, values: Float[np.ndarray, " later"]
) -> Float[np.ndarray, "histories actions"]:
    # children follow their parents in order, so that a parent is found by its row
    order = np.unique(later.tokens[:, :-2], axis=0, return_inverse=True)[1].reshape(-1)
    rank = np.unique(level.tokens, axis=0, return_inverse=True)[1].reshape(-1)
    place = np.empty(len(rank), dtype=np.int64)
    place[rank] = np.arange(len(rank))
    pairs = place[order] * pomdp.n_actions + later.tokens[:, -2]
    size = len(level.tokens) * pomdp.n_actions
    # chances of the later histories hold that of an even action, which a choice makes certain
    summed = np.bincount(pairs, values * pomdp.n_actions, minlength=size)
    return np.asarray(summed.reshape(-1, pomdp.n_actions))
