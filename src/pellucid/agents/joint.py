"""The whole team as one agent: each member sees its own part and acts by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from gymnasium import spaces
from jaxtyping import Bool, Float

from pellucid.agents.acting import choose_actions, draw
from pellucid.agents.context import in_context, unbound
from pellucid.agents.fronting import lacking
from pellucid.agents.spaces import Spaces
from pellucid.agents.team import LoadedTeam
from pellucid.envs.team_views import join_actions
from pellucid.types import (
    Actions,
    Agent,
    Categorical,
    Context,
    HasDistribution,
    Observations,
    Recurrent,
)


@dataclass(frozen=True, eq=False)
class JointAgent:
    """The whole team as one agent: each member sees its own part and acts by itself.

    Its memory is the members' memories side by side; one who is not there remembers what it did.

    Args:
        name: Short name for people.
        agents: The members, in the order in which their parts stand.
        spaces: Of the joint observation and action.
        context: What answers depend on beside the observation; None if it is not bound to any.
    """

    name: str
    agents: Mapping[str, Agent]
    spaces: Spaces
    context: Context | None = None

    framework = "team"

    @property
    def observation_space(self) -> Any:
        """All members' observations, each after its presence."""
        return self.spaces.observation

    @property
    def action_space(self) -> Any:
        """All members' actions."""
        return self.spaces.action

    @property
    def capabilities(self) -> frozenset[str]:
        """`distribution` and `sampling` where every member has them and each combination counts.

        `recurrent` and `masks` where any member has them.
        """
        members = self.agents.values()
        all_tell = all("distribution" in a.capabilities for a in members)
        combined = isinstance(self.action_space, spaces.Discrete)
        needed = {n for a in members for n in ("recurrent", "masks") if n in a.capabilities}
        told = {"distribution", "sampling"} if all_tell and combined else set()
        return frozenset(told | needed)

    @property
    def n_parameters(self) -> int:
        """Weights of all members; those that share an agent count once."""
        distinct = {id(a): a for a in self.agents.values()}.values()
        return sum(int(getattr(a, "n_parameters", 0)) for a in distinct)

    @property
    def sha256(self) -> str:
        """Checksum of the team."""
        return LoadedTeam(self.name, dict(self.agents)).sha256

    def act(self, observations: Observations) -> Actions:
        """Return the members' actions together; of one who is not there, what it would do."""
        parts = self._parts(observations)
        chosen = [
            choose_actions(agent, parts[member], "greedy", ())
            for member, agent in self._bound(len(observations)).items()
        ]
        actions: Actions = join_actions(chosen, self._action_spaces)
        return actions

    def distribution(self, observations: Observations) -> Categorical:
        """Return the product of the members' distributions: they choose without each other."""
        if "distribution" not in self.capabilities:
            raise lacking(self, "distribution")
        parts = self._parts(observations)
        product: Float[np.ndarray, "batch actions"] = np.ones((len(observations), 1))
        for member, agent in self._bound(len(observations)).items():
            told = cast(HasDistribution, agent).distribution(parts[member])
            own = cast(Categorical, told).probabilities
            product = (product[:, :, None] * own[:, None, :]).reshape(len(own), -1)
        return Categorical(product)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn combination per row, using only that row's generator."""
        if "sampling" not in self.capabilities:
            raise lacking(self, "sampling")
        return draw(self.distribution(observations), rngs)

    # --- what answers depend on beside the observation ---

    def within(self, context: Context) -> "JointAgent":
        """Return the team that answers in a context; see `HasContext`."""
        return replace(self, context=context)

    @property
    def initial_memory(self) -> Float[np.ndarray, " units"]:
        """The members' memories at the start of an episode; see `Recurrent`."""
        starts = [self._start(member) for member in self._rememberers]
        return np.concatenate(starts) if starts else np.empty(0, dtype=np.float32)

    def next_memory(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the members' memories after these observations; see `Recurrent`."""
        n_rows = len(observations)
        parts, there = self._parts(observations), self._presence(observations)
        bound, found = self._bound(n_rows), []
        for member, own in self._memories(n_rows).items():
            later = cast(Recurrent, bound[member]).next_memory(parts[member])
            found.append(np.where(there[member][:, None], later, own))
        return np.concatenate(found, axis=1)

    @property
    def _rememberers(self) -> list[str]:
        return [m for m, agent in self.agents.items() if "recurrent" in agent.capabilities]

    def _start(self, member: str) -> Float[np.ndarray, " units"]:
        return np.asarray(cast(Recurrent, self.agents[member]).initial_memory)

    def _bound(self, n_rows: int) -> dict[str, Agent]:
        """Return the members, each within its part of the context."""
        memories, masks = self._memories(n_rows), self._masks()
        return {
            m: in_context(agent, Context(masks=masks.get(m), memory=memories.get(m)))
            for m, agent in self.agents.items()
        }

    def _memories(self, n_rows: int) -> dict[str, Float[np.ndarray, "rows units"]]:
        if not self._rememberers:
            return {}
        if self.context is None or self.context.memory is None:
            raise unbound(self.name, "what its members saw before")
        rows = np.broadcast_to(self.context.memory, (n_rows, self.context.memory.shape[1]))
        ends = np.cumsum([len(self._start(member)) for member in self._rememberers])
        return dict(zip(self._rememberers, np.split(rows, ends[:-1], axis=1), strict=True))

    def _masks(self) -> dict[str, Bool[np.ndarray, "rows actions"]]:
        """Return which actions of each member are in any allowed combination."""
        if self.context is None or self.context.masks is None:
            return {}
        counts = [int(space.n) for space in self._action_spaces]
        joint = self.context.masks.reshape(-1, *counts)
        axes = range(1, len(counts) + 1)
        return {
            member: np.asarray(joint.any(axis=tuple(other for other in axes if other != axis)))
            for axis, (member, agent) in enumerate(self.agents.items(), start=1)
            if "masks" in agent.capabilities
        }

    @property
    def _action_spaces(self) -> list[Any]:
        return [agent.action_space for agent in self.agents.values()]

    def _parts(self, observations: Observations) -> dict[str, Any]:
        """Return what each member sees in each row."""
        parts, at = {}, 0
        for member, agent in self.agents.items():
            space = agent.observation_space
            size = int(np.prod(space.shape))
            rows = observations[:, at + 1 : at + 1 + size]  # behind the input that tells presence
            parts[member] = rows.reshape(len(rows), *space.shape).astype(space.dtype)
            at += 1 + size
        return parts

    def _presence(self, observations: Observations) -> dict[str, Bool[np.ndarray, " rows"]]:
        """Return in which rows each member is there."""
        there, at = {}, 0
        for member, agent in self.agents.items():
            there[member] = observations[:, at] > 0
            at += 1 + int(np.prod(agent.observation_space.shape))
        return there
