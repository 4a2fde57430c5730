"""The wrapper that lays out what an environment shows and takes as rows; see `envs.rows`."""

from typing import Any

import gymnasium

from pellucid.envs.described import groups_of_rows
from pellucid.envs.rows import RowSpace, as_array_space


class Rows(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment whose observations and actions are rows where they were not one array.

    Args:
        env: The environment.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.observation_space = as_array_space(env.observation_space)
        self.action_space = as_array_space(env.action_space)
        told = env.metadata or {}
        groups = groups_of_rows(self.observation_space)
        if groups and "groups" not in told:
            self.metadata = {**told, "groups": groups}

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Reset, and return the row of the first observation."""
        observation, info = self.env.reset(**kwargs)
        return self._row(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take the action that a row stands for, and return the row of what is seen."""
        space = self.action_space
        taken = space.element(action) if isinstance(space, RowSpace) else action
        observation, reward, terminated, truncated, info = self.env.step(taken)
        return self._row(observation), reward, terminated, truncated, info

    def _row(self, observation: Any) -> Any:
        space = self.observation_space
        return space.row(observation) if isinstance(space, RowSpace) else observation
