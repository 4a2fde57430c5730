"""A game in which three members take turns: one dies early, one comes to no turn before time 3."""

from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv

LENGTH = 4
"""Rounds."""


class TurnsToy(AECEnv):
    """A game whose returns are known by hand.

    In each round `early` (of the first two rounds alone), `steady` and, from the third round on,
    `late` move, in that order. A move pays the mover its action, and everyone else who is in the
    game a tenth of it. A member sees the round and its place in the team, and which moves are
    allowed: all but that of the number of the round.
    """

    metadata = {"render_modes": ["rgb_array"], "name": "turns"}  # noqa: RUF012

    max_cycles = 3 * LENGTH

    def __init__(self, render_mode: str | None = None, masked: bool = True) -> None:
        super().__init__()
        self.render_mode, self._masked = render_mode, masked
        self.possible_agents = ["early", "steady", "late"]

    def observation_space(self, agent: str) -> Any:
        seen = spaces.Box(0.0, 10.0, (2,), np.float32)
        mask = spaces.Box(0, 1, (4,), np.int8)
        return spaces.Dict({"observation": seen, "action_mask": mask}) if self._masked else seen

    def action_space(self, agent: str) -> Any:
        return spaces.Discrete(4)

    def reset(self, seed: int | None = None, options: Any = None) -> None:
        self.agents = list(self.possible_agents)
        self.round = 0
        self._restart()
        self.agent_selection = "early"

    def _restart(self) -> None:
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}

    def observe(self, agent: str) -> Any:
        place = self.possible_agents.index(agent)
        seen = np.array([self.round, place], np.float32)
        if not self._masked:
            return seen
        mask = np.ones(4, np.int8)
        mask[min(self.round, 3)] = 0
        return {"observation": seen, "action_mask": mask}

    def step(self, action: Any) -> None:
        mover = self.agent_selection
        if self.terminations[mover] or self.truncations[mover]:
            self._was_dead_step(action)
            return
        assert not self._masked or action != min(self.round, 3), "a move that is not allowed"
        self.rewards = {a: float(action) / (1 if a == mover else 10) for a in self.agents}
        self._next(mover)

    def _next(self, mover: str) -> None:
        movers = ["early", "steady"] if self.round < 2 else ["steady", "late"]
        place = movers.index(mover)
        if place == 0:
            self.agent_selection = movers[1]
            return
        self.round += 1
        if self.round == 2:
            self.terminations["early"] = True
            self._skip_agent_selection = "steady"
            self.agent_selection = "early"
            return
        if self.round == LENGTH:
            self.truncations = dict.fromkeys(self.agents, True)
        self.agent_selection = ("early", "early", "steady", "steady", "steady")[self.round]

    def render(self) -> Any:
        return np.zeros((4, 4, 3), np.uint8)

    def close(self) -> None:
        pass


def make(render_mode: str | None = None) -> TurnsToy:
    return TurnsToy(render_mode)


def unmasked(render_mode: str | None = None) -> TurnsToy:
    return TurnsToy(render_mode, masked=False)


def largest(observations: Any, masks: Any) -> Any:
    """Choose the largest move that is allowed."""
    return 3 - masks[:, ::-1].argmax(axis=1)


def two(observations: Any) -> Any:
    return np.full(len(observations), 2)


TEAM = {"*": largest}
