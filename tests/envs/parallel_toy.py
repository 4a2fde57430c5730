"""A team of three in PettingZoo's parallel form: one leaves early, one comes late."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

LENGTH = 5


class ParallelToy:
    """A parallel environment whose returns are known by hand.

    `early` is there for steps 0 and 1, `steady` for all five, `late` from step 2 on. Each is paid
    its own action, and sees the time and its place in the team.
    """

    metadata = {"render_modes": ["rgb_array"], "name": "toy"}  # noqa: RUF012
    max_cycles = LENGTH
    possible_agents = ("early", "steady", "late")

    def __init__(self, render_mode: str | None = None, late: bool = True) -> None:
        self.render_mode, self.late = render_mode, late
        self.agents: list[str] = []
        self.time = 0

    def observation_space(self, agent: str) -> Any:
        return spaces.Box(-1.0, 10.0, (2,), np.float32)

    def action_space(self, agent: str) -> Any:
        return spaces.Discrete(3)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.time, self.agents = 0, ["early", "steady"]
        return self._observations(), {agent: {} for agent in self.agents}

    def step(self, actions: Any) -> Any:
        assert set(actions) == set(self.agents), "an action for each that is there, and no other"
        self.time += 1
        here = list(self.agents)
        rewards = {agent: float(actions[agent]) for agent in here}
        terminated = {agent: agent == "early" and self.time == 2 for agent in here}
        truncated = dict.fromkeys(here, self.time == LENGTH)
        seen = self._observations()
        self.agents = [a for a in here if not (terminated[a] or truncated[a])]
        if self.time == 2 and self.late:
            self.agents.append("late")
            seen |= self._observations(["late"])
        return seen, rewards, terminated, truncated, {agent: {} for agent in here}

    def render(self) -> Any:
        return np.zeros((4, 4, 3), np.uint8)

    def close(self) -> None:
        pass

    def _observations(self, agents: Any = None) -> Any:
        return {
            agent: np.array([self.time, self.possible_agents.index(agent)], np.float32)
            for agent in (agents or self.agents)
        }


def make(render_mode: str | None = None) -> ParallelToy:
    return ParallelToy(render_mode)


def without_late(render_mode: str | None = None) -> ParallelToy:
    return ParallelToy(render_mode, late=False)


def takes_turns(render_mode: str | None = None) -> Any:
    return gymnasium.make("CartPole-v1")


def two(observations: Any) -> Any:
    """Always choose action 2."""
    return np.full(len(observations), 2)


def by_time(observations: Any) -> Any:
    """Choose 1 before time 3, and 2 from then on."""
    return np.where(observations[:, 0] < 3, 1, 2)


TEAM = {"early": two, "*": by_time}


def raises() -> Any:
    raise ValueError("no team today")
