"""What an agent prefers in the states that stand-ins are fitted to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Float, Int

from pellucid.agents.acting import preference_unit, preferences
from pellucid.agents.context import NO_CONTEXT, in_context
from pellucid.agents.flatten import flat
from pellucid.agents.tree import actions_of
from pellucid.explanation import Task
from pellucid.types import Context, Observations

SAME_ACTION = 0.1
"""Share of its range by which a dimension of the same continuous action may differ."""
LEAST_PROBABILITY = 1e-6
"""Probabilities below count as this: one action that is never taken decides no weight."""


@dataclass(frozen=True)
class Labels:
    """States and what the agent prefers there.

    Args:
        inputs: Shape (rows, inputs).
        scores: Shape (rows, outputs): Q-values, log-probabilities, one-hot choices, or the mean
            action.
        weights: Shape (rows,), what a wrong choice costs there.
        n_actions: Number of actions; None for continuous ones.
    """

    inputs: Float[np.ndarray, "rows inputs"]
    scores: Float[np.ndarray, "rows outputs"]
    weights: Float[np.ndarray, " rows"]
    n_actions: int | None

    @property
    def choices(self) -> Int[np.ndarray, " rows"]:
        """The preferred output of each row."""
        return np.asarray(self.scores.argmax(axis=1))

    @property
    def targets(self) -> np.ndarray:
        """Choices of several actions, numbers of continuous ones: what trees are fitted to."""
        return self.scores if self.n_actions is None else self.choices


def label(task: Task, observations: Observations, context: Context = NO_CONTEXT) -> Labels:
    """Return what the agent prefers in some states, at one query each.

    Args:
        task: Whose agent is asked.
        observations: Shape (rows, *observation).
        context: What its answers depend on beside them, row by row.
    """
    scores = preferences(in_context(task.agent, context), observations)
    unit = preference_unit(task.agent)
    weights = state_weights(scores, unit, context.masks)
    if unit == "probability":
        scores = np.log(np.maximum(scores, LEAST_PROBABILITY))
    space = task.agent.action_space
    n_actions = int(space.n) if isinstance(space, Discrete) else None
    return Labels(flat(observations), scores, weights, n_actions)


def state_weights(
    scores: Float[np.ndarray, "states outputs"],
    unit: str,
    masks: Bool[np.ndarray, "states outputs"] | None = None,
) -> Float[np.ndarray, " states"]:
    """Return how much the choice matters in each state.

    The largest minus the smallest Q-value, or log-probability; 1 where there is neither.

    Args:
        scores: Shape (states, outputs), what `preferences` returns.
        unit: What `preference_unit` returns.
        masks: Shape (states, outputs), the actions that are allowed and count; None for all.

    Source: Bastani 2018 (VIPER), section 2.2.

    Example:
        >>> state_weights(np.array([[1.0, 4.0], [2.0, 2.0]]), "Q-value").tolist()
        [3.0, 0.0]
    """
    if unit not in ("Q-value", "probability"):
        return np.ones(len(scores))
    if unit == "probability":
        scores = np.log(np.maximum(scores, LEAST_PROBABILITY))
    if masks is None:
        return np.asarray(np.ptp(scores, axis=1))
    highest = scores.max(axis=1, where=masks, initial=-np.inf)
    return np.asarray(highest - scores.min(axis=1, where=masks, initial=np.inf))


def same_choice(
    first: Float[np.ndarray, "states outputs"],
    second: Float[np.ndarray, "states outputs"],
    space: Any,
) -> Bool[np.ndarray, " states"]:
    """Return where two sets of preferences stand for the same action.

    Args:
        first: Shape (states, outputs).
        second: Shape (states, outputs).
        space: Discrete, or Box: there every dimension must be within a tenth of its range.
    """
    if isinstance(space, Discrete):
        return np.asarray(first.argmax(axis=1) == second.argmax(axis=1))
    one, two = (
        actions_of(v, space).reshape(len(v), -1).astype(np.float64) for v in (first, second)
    )
    low, high = (np.asarray(end, dtype=np.float64).ravel() for end in (space.low, space.high))
    width = np.where(np.isfinite(low) & np.isfinite(high), high - low, np.ptp(two, axis=0))
    return np.asarray((np.abs(one - two) <= SAME_ACTION * width).all(axis=1))
