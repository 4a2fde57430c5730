"""Planted agents whose answers depend on more than the observation, and on what is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.agents.acting import draw
from pellucid.agents.context import checked_masks, unbound
from pellucid.types import Actions, Categorical, Context, Observations


@dataclass(frozen=True, eq=False)
class Planted:
    """What both have in common: a distribution that they draw from, or take the best of."""

    context: Context | None = None

    framework = "planted"
    observation_space = Box(-1.0, 1.0, (3,), np.float32)
    action_space = Discrete(2)

    def within(self, context: Context) -> "Planted":
        return replace(self, context=context)

    def probabilities(self, observations: Observations) -> Any:
        raise NotImplementedError

    def distribution(self, observations: Observations) -> Categorical:
        return Categorical(self.probabilities(np.asarray(observations, dtype=np.float64)))

    def act(self, observations: Observations) -> Actions:
        return np.asarray(self.distribution(observations).probabilities.argmax(axis=1))

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        return draw(self.distribution(observations), rngs)


@dataclass(frozen=True, eq=False)
class Rememberer(Planted):
    """Answers the last sign (input 0) that it saw: 90 % right after 1, 10 % after -1.

    Its memory is that sign, and how many observations it has seen.
    """

    name = "rememberer"
    capabilities = frozenset({"distribution", "sampling", "recurrent"})

    @property
    def initial_memory(self) -> Any:
        return np.zeros(2, dtype=np.float32)

    def next_memory(self, observations: Observations) -> Any:
        seen = self._memory(len(observations)).copy()
        sign = observations[:, 0]
        seen[:, 0] = np.where(sign != 0, sign, seen[:, 0])
        seen[:, 1] += 1
        return seen

    def probabilities(self, observations: Observations) -> Any:
        sign = np.where(
            observations[:, 0] != 0, observations[:, 0], self._memory(len(observations))[:, 0]
        )
        right = 0.5 + 0.4 * np.clip(sign, -1, 1)
        return np.stack([1.0 - right, right], axis=1)

    def _memory(self, n_rows: int) -> Any:
        if self.context is None or self.context.memory is None:
            raise unbound(self.name, "what it saw before")
        return np.broadcast_to(self.context.memory, (n_rows, 2))


@dataclass(frozen=True, eq=False)
class Forgetful(Rememberer):
    """The same, but it answers what it sees now: its memory changes nothing."""

    name = "forgetful"

    def probabilities(self, observations: Observations) -> Any:
        right = 0.5 + 0.4 * np.clip(observations[:, 2], -1, 1)
        return np.stack([1.0 - right, right], axis=1)


@dataclass(frozen=True, eq=False)
class HalfForgetful(Rememberer):
    """The same, but it remembers only while the noise that it sees is above 0."""

    name = "half forgetful"

    def probabilities(self, observations: Observations) -> Any:
        own = super().probabilities(observations)
        return np.where(observations[:, 2:] > 0, own, 0.5)


@dataclass(frozen=True, eq=False)
class Jumper(Planted):
    """Likes to jump best (0.6), then to step on (0.3): the first choice is often forbidden."""

    name = "jumper"
    capabilities = frozenset({"distribution", "sampling", "masks"})
    observation_space = Box(-1.0, 1.0, (4,), np.float32)
    action_space = Discrete(4)

    def probabilities(self, observations: Observations) -> Any:
        context = self.context or Context()
        masks = checked_masks(context.masks, 4, who=self.name)
        rows = np.array([0.02, 0.3, 0.6, 0.08]) * np.broadcast_to(masks, (len(observations), 4))
        return rows / rows.sum(axis=1, keepdims=True)
