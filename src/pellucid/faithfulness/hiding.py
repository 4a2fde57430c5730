"""Hiding inputs: what the agent sees is replaced by values from visited states."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from jaxtyping import Bool, Int, Shaped

from pellucid.agents.outputs import action_parts
from pellucid.explanation import InputGroups
from pellucid.faithfulness import thresholds
from pellucid.kernels.draws import indexed_draws
from pellucid.types import Actions, Observations


def input_rows(observations: Observations) -> Shaped[np.ndarray, "batch inputs"]:
    """Return observations with one column per input, in their own dtype."""
    return observations.reshape(len(observations), -1)


@dataclass(frozen=True)
class InputHider:
    """An observation filter that replaces one input at every step by one from a visited state.

    The replacement depends on seed, episode and step alone: every arm of a test, and every input
    that is hidden, sees values of the same states at the same steps. It can be pickled.

    Args:
        column: The input.
        visited: Shape (states,), its values in visited states.
        seed: Of the draws.
    """

    column: int
    visited: Shaped[np.ndarray, " states"]
    seed: int

    def __call__(
        self,
        observations: Observations,
        episodes: Int[np.ndarray, " batch"],
        steps: Int[np.ndarray, " batch"],
    ) -> Observations:
        """Return the observations with the input replaced."""
        draws = indexed_draws(self.seed, episodes, steps, below=len(self.visited))
        rows = input_rows(observations).copy()
        rows[:, self.column] = self.visited[draws]
        return rows.reshape(observations.shape)


@dataclass(frozen=True)
class GroupHider:
    """An observation filter that replaces a group of inputs at every step, as `InputHider` does.

    All of the group comes from one visited state, the one that `InputHider` would draw. It can be
    pickled if the function that finds groups can.

    Args:
        group: Its number.
        groups: All of them.
        visited: Shape (states, *observation), visited states.
        seed: Of the draws.
    """

    group: int
    groups: InputGroups
    visited: Observations
    seed: int

    def __call__(
        self,
        observations: Observations,
        episodes: Int[np.ndarray, " batch"],
        steps: Int[np.ndarray, " batch"],
    ) -> Observations:
        """Return the observations with the group replaced."""
        draws = indexed_draws(self.seed, episodes, steps, below=len(self.visited))
        hidden = self.groups.of(observations) == self.group
        rows, others = input_rows(observations), input_rows(self.visited[draws])
        return np.where(hidden, others, rows).reshape(observations.shape)


def changed_choices(space: Any, before: Actions, after: Actions) -> Bool[np.ndarray, " batch"]:
    """Return which actions are another choice.

    An action is another one if any of its parts is: a choice if it differs at all, a quantity if
    it moved by more than a tenth of its range; where it has no bounds, of the range of `before`.

    Args:
        space: The action space.
        before: Shape (batch, *action).
        after: Shape (batch, *action).
    """
    one, two = input_rows(before), input_rows(after)
    if not isinstance(space, Box):
        return np.asarray((one != two).any(axis=1))
    parts = action_parts(space)
    picked = np.array([part.kind == "choice" for part in parts], dtype=bool)
    other = (one[:, picked] != two[:, picked]).any(axis=1)
    one, two = one[:, ~picked], two[:, ~picked]
    low, high = (np.array([getattr(p, end) for p in parts])[~picked] for end in ("low", "high"))
    bounded = np.isfinite(low) & np.isfinite(high)
    seen = np.ptp(one.astype(np.float64), axis=0) if len(one) else np.ones_like(low)
    width = np.where(bounded, np.subtract(high, low, where=bounded, out=np.zeros_like(low)), seen)
    moved = np.abs(two.astype(np.float64) - one.astype(np.float64))
    return np.asarray(other | (moved > thresholds.CHANGED_ACTION * width).any(axis=1))
