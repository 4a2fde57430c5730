"""The probability that an abstract process reaches a goal, by value iteration."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

TOLERANCE = 1e-10
MOST_SWEEPS = 20_000
MOST_SOLVED = 1_500
"""States up to which a process without choices is solved at once."""


@dataclass(frozen=True)
class AbstractProcess:
    """How often an abstract state was followed by which.

    Args:
        counts: Shape (actions, states, states), moves seen.
        ends: Shape (states,), how often episodes ended there.
        starts: Shape (states,), how often episodes began there.
    """

    counts: Float[np.ndarray, "actions states states"]
    ends: Float[np.ndarray, " states"]
    starts: Float[np.ndarray, " states"]

    @property
    def chain(self) -> "AbstractProcess":
        """The same without choices: what followed, whatever was done."""
        return replace(self, counts=self.counts.sum(axis=0, keepdims=True))

    @property
    def moves(self) -> Float[np.ndarray, "actions states states"]:
        """The probability of each move after each action; 0 after one that was never taken.

        What is left to 1 is the end of the episode, which comes as often whatever is done: no
        action is recorded in a last state.
        """
        taken = self.counts.sum(axis=2, keepdims=True)
        left = self.counts.sum(axis=(0, 2))
        visits = left + self.ends
        goes_on = np.divide(left, visits, out=np.zeros_like(left), where=visits > 0)
        moves = np.divide(self.counts, taken, out=np.zeros_like(self.counts), where=taken > 0)
        return np.asarray(goes_on[:, None] * moves)


def count_moves(
    episodes: Sequence[Int[np.ndarray, " steps_and_one"]],
    actions: Sequence[Int[np.ndarray, " steps"]],
    n_actions: int,
    n_states: int,
) -> AbstractProcess:
    """Return the process that some episodes show.

    Args:
        episodes: Shape (episodes, steps + 1), the abstract state of each state, the last included.
        actions: Shape (episodes, steps), the action taken in each.
        n_actions: Number of actions.
        n_states: Number of abstract states.
    """
    counts = np.zeros((n_actions, n_states, n_states))
    starts, ends = np.zeros(n_states), np.zeros(n_states)
    for states, taken in zip(episodes, actions, strict=True):
        np.add.at(counts, (taken, states[:-1], states[1:]), 1.0)
        starts[states[0]] += 1.0
        ends[states[-1]] += 1.0
    return AbstractProcess(counts, ends, starts)


def reach_probability(process: AbstractProcess, goal: Bool[np.ndarray, " states"]) -> float:
    """Return the largest probability, over ways to choose, that the goal is reached.

    By value iteration; a process without choices is solved at once. Actions that were never taken
    in an abstract state cannot be chosen there. For the chain of recorded episodes whose goal, once
    reached, is never left, this is the share of them that reach it: the expected visits of a chain
    with the recorded frequencies are the recorded visits.

    Args:
        process: The abstract process.
        goal: Shape (states,), where it is reached.

    Source: Baier 2008, section 10.6.1 (maximal reachability).

    Example:
        >>> twice = count_moves([np.array([0, 1]), np.array([0, 0])], [[0], [1]], 2, 2)
        >>> goal = np.array([False, True])
        >>> reach_probability(twice.chain, goal), round(reach_probability(twice, goal), 3)
        (0.5, 0.667)
    """
    at_once = len(process.counts) == 1 and len(goal) <= MOST_SOLVED
    values = (_at_once if at_once else _by_sweeps)(process.moves, goal)
    return float(np.clip(process.starts @ values / max(process.starts.sum(), 1.0), 0.0, 1.0))


def _by_sweeps(
    moves: Float[np.ndarray, "actions states states"], goal: Bool[np.ndarray, " states"]
) -> Float[np.ndarray, " states"]:
    values = goal.astype(np.float64)
    for _ in range(MOST_SWEEPS):
        # an action that was never taken is worth nothing, and no probability is below that
        new = np.where(goal, 1.0, (moves @ values).max(axis=0))
        if np.abs(new - values).max() < TOLERANCE:
            break
        values = new
    return values


def _at_once(
    moves: Float[np.ndarray, "actions states states"], goal: Bool[np.ndarray, " states"]
) -> Float[np.ndarray, " states"]:
    """Return the fixed point of the sweeps of a process without choices.

    Every state was followed by the end of an episode sooner or later, so that there is one.
    """
    step = np.where(goal[:, None], 0.0, moves[0])
    return np.asarray(np.linalg.solve(np.eye(len(goal)) - step, goal.astype(np.float64)))
