"""Asks an agent about explained states and hybrids of them, each in the context that it had.

What a recurrent agent remembered at a step, and which actions were allowed there, stay as they were
recorded while inputs are changed: an explanation of what it sees changes what it sees alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import bulk_preferences, preferences
from pellucid.agents.context import in_context, is_empty, take
from pellucid.types import Agent, Context, Observations, PreferencesFn

AnswerFn: TypeAlias = Callable[[Agent, Observations], Float[np.ndarray, "batch outputs"]]
"""What is explained: the agent's answer to observations, row by row; one query per row."""


@dataclass(frozen=True)
class Asking:
    """An agent in the states that are explained.

    Args:
        agent: Who is asked.
        context: One row per explained state; empty for an agent that needs none.
        answer_fn: What it is asked.
        bulk_fn: A way to the same answers, equal up to rounding, for very many rows.
    """

    agent: Agent
    context: Context
    answer_fn: AnswerFn = preferences
    bulk_fn: Callable[[Agent], PreferencesFn] = bulk_preferences

    @property
    def apart(self) -> bool:
        """Whether each state has a context of its own, so that its hybrids are asked apart."""
        return not is_empty(self.context)

    def agent_at(self, number: int) -> Agent:
        """Return the agent in one explained state, for any number of hybrids of it."""
        if not self.apart:
            return self.agent
        return in_context(self.agent, take(self.context, slice(number, number + 1)))

    def hybrids_of(self, number: int) -> PreferencesFn:
        """Return what answers hybrids of one explained state."""
        return self.bulk_fn(self.agent_at(number))

    def of_states(self, states: Observations) -> Float[np.ndarray, "states outputs"]:
        """Return the answers to one observation for each explained state, in order."""
        return self.answer_fn(in_context(self.agent, self.context), states)

    def of_background(self, background: Observations) -> Float[np.ndarray, "*states rows outputs"]:
        """Return the answers to a background.

        Shape (rows, outputs); or (states, rows, outputs) where they depend on the state, at one
        query per pair.
        """
        if not self.apart:
            return self.answer_fn(self.agent, background)
        parts = self.context.masks if self.context.memory is None else self.context.memory
        assert parts is not None
        return np.stack([self.answer_fn(self.agent_at(i), background) for i in range(len(parts))])
