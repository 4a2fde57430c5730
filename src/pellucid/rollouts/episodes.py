"""Episodes: what an agent did, in a form from which every step can be run again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.context import NO_CONTEXT, is_empty, stacked, take
from pellucid.envs.names import Names
from pellucid.envs.spec import EnvSpec
from pellucid.types import Context, PolicyMode


@dataclass(frozen=True)
class Failure:
    """Why an episode or a sample could not be used; a bad one is data, not a crash.

    Args:
        kind: `environment`, `log`, `agent`, `explainer`, `reward` or `judge`.
        message: One line.
        step: Step at which it happened; -1 for `reset`.
    """

    kind: str
    message: str
    step: int


@dataclass(frozen=True)
class Episode:
    """One episode of T steps.

    Args:
        index: Position in the run; its seed is the index-th child of the run's seed.
        seed: Seed given to `reset`; -1 if unknown (logs).
        observations: Shape (T + 1, *observation); the last is the final one.
        actions: Shape (T, *action).
        rewards: Shape (T,).
        terminated: The environment ended it.
        truncated: A time limit ended it.
        terms: Reward terms by name, each of shape (T,); empty if none are reported.
        failure: What stopped it early, None for a good episode.
        masks: Shape (T, actions), which actions the environment allowed; None if it does not say.
        memories: Shape (T, units), what a recurrent agent remembered before each step; None for
            other agents.
    """

    index: int
    seed: int
    observations: Shaped[np.ndarray, "steps_and_one *observation"]
    actions: Shaped[np.ndarray, "steps *action"]
    rewards: Float[np.ndarray, " steps"]
    terminated: bool
    truncated: bool
    terms: Mapping[str, Float[np.ndarray, " steps"]] = field(default_factory=dict)
    failure: Failure | None = None
    masks: Bool[np.ndarray, "steps actions"] | None = None
    memories: Float[np.ndarray, "steps units"] | None = None

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def total_reward(self) -> float:
        """The undiscounted return."""
        return float(self.rewards.sum())

    @property
    def context(self) -> Context:
        """What the agent's answers at each step depend on beside the observation."""
        return Context(self.masks, self.memories)


@dataclass(frozen=True)
class Episodes:
    """A set of episodes of one agent in one environment.

    Args:
        attempted: Every episode that was started, in order.
        spec: How to make the environment again; None for logs.
        names: Names and units of inputs and actions.
        seed: Seed of the run; -1 for logs.
        policy: Whether actions were most-likely or sampled.
        warnings: What the reader should know of them, one sentence each.
    """

    attempted: tuple[Episode, ...]
    spec: EnvSpec | None
    names: Names
    seed: int
    policy: PolicyMode
    warnings: tuple[str, ...] = ()

    @cached_property
    def used(self) -> tuple[Episode, ...]:
        """The episodes without failure; only these enter any number."""
        return tuple(e for e in self.attempted if e.failure is None)

    @property
    def excluded(self) -> tuple[Episode, ...]:
        """The episodes with a failure."""
        return tuple(e for e in self.attempted if e.failure is not None)

    def __len__(self) -> int:
        return len(self.used)

    def __getitem__(self, position: int) -> Episode:
        return self.used[position]

    @property
    def returns(self) -> Float[np.ndarray, " episodes"]:
        """The undiscounted return of each used episode."""
        return np.array([e.total_reward for e in self.used], dtype=np.float64)

    @cached_property
    def visited(self) -> Shaped[np.ndarray, "states *observation"]:
        """All observations in which an action was chosen, episode after episode."""
        if not self.used:
            return np.empty((0,))
        return np.concatenate([e.observations[:-1] for e in self.used])

    @cached_property
    def visited_context(self) -> Context:
        """What answers in `visited` depend on beside the observation, row by row."""
        return stacked([episode.context for episode in self.used]) if self.used else Context()

    def context_at(self, states: Int[np.ndarray, "states 2"]) -> Context:
        """Return the same for states given as `visited_steps` gives them."""
        if is_empty(self.visited_context):
            return NO_CONTEXT
        starts = np.cumsum([0, *(len(episode) for episode in self.used)])
        return take(self.visited_context, starts[states[:, 0]] + states[:, 1])

    @cached_property
    def visited_steps(self) -> Int[np.ndarray, "states 2"]:
        """Position in `used` and step of each row of `visited`."""
        rows = [
            np.column_stack((np.full(len(e), i), np.arange(len(e))))
            for i, e in enumerate(self.used)
        ]
        return np.concatenate(rows).astype(np.int64) if rows else np.empty((0, 2), np.int64)
