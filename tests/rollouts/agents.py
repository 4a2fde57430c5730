"""Agents whose every action is known."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.budget import Cost, Meter
from pellucid.envs import Names

NO_NAMES = Names((), (), (), ())


def wide_meter() -> Meter:
    return Meter(Cost(10**9, 10**9))


class TableAgent:
    """Looks its action up in a table by a whole-number hash of the observation."""

    framework = "test"
    name = "table"

    def __init__(self, n_actions: int = 2, table: tuple[int, ...] = (0, 1), start: int = 0) -> None:
        self.observation_space = None
        self.action_space = Discrete(n_actions, start=start)
        self.capabilities = frozenset({"sampling"})
        self._table = np.array(table)
        self._n_actions = n_actions

    def act(self, observations: Any) -> Any:
        rows = np.asarray(observations, dtype=np.float64).reshape(len(observations), -1)
        keys = np.floor(np.abs(rows).sum(axis=1) * 1000).astype(np.int64)
        return self._table[keys % len(self._table)] + self.action_space.start

    def sample(self, observations: Any, rngs: Any) -> Any:
        return np.array([int(rng.integers(self._n_actions)) for rng in rngs], dtype=np.int64)


class FixedAgent(TableAgent):
    """Always takes one action."""

    def __init__(self, action: int, n_actions: int = 2) -> None:
        super().__init__(n_actions, (action,))


class LanderAgent(TableAgent):
    """Gymnasium's own landing heuristic, for a batch."""

    def __init__(self) -> None:
        super().__init__(4)

    def act(self, observations: Any) -> Any:
        x, y, vx, vy, tilt, turning, right, left = observations.T
        wanted_tilt = np.clip(x * 0.5 + vx, -0.4, 0.4)
        turn = (wanted_tilt - tilt) * 0.5 - turning
        lift = (0.55 * np.abs(x) - y) * 0.5 - vy * 0.5
        landed = (right + left) > 0
        turn = np.where(landed, 0.0, turn)
        lift = np.where(landed, -vy * 0.5, lift)
        actions = np.zeros(len(observations), np.int64)
        actions[turn > 0.05] = 1
        actions[turn < -0.05] = 3
        actions[(lift > np.abs(turn)) & (lift > 0.05)] = 2
        return actions


class CallAgent(TableAgent):
    """Calls a function of the observations."""

    def __init__(self, fn: Callable[[Any], Any], n_actions: int = 2) -> None:
        super().__init__(n_actions)
        self._fn = fn

    def act(self, observations: Any) -> Any:
        return self._fn(observations)


class BoxAgent:
    """Pushes against the first input, in a Box action space."""

    framework = "test"
    name = "box"
    capabilities = frozenset()

    def __init__(self, space: Box) -> None:
        self.observation_space = None
        self.action_space = space

    def act(self, observations: Any) -> Any:
        value = -np.asarray(observations)[:, :1]
        shape = (len(observations), *self.action_space.shape)
        actions = np.broadcast_to(value, shape)
        return np.clip(actions, self.action_space.low, self.action_space.high).astype(np.float32)
