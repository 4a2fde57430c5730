"""A small environment whose observations and actions have parts, and functions that act in it."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

N_STEPS = 12


class Crossing(gymnasium.Env[Any, Any]):
    """A light, a speed and a scene; pays 1 for the right lever and less for a wrong push.

    The right lever is the light. The push should be half the speed: the reward loses the distance.
    The word and the picture mean nothing.
    """

    def __init__(self, form: str = "dict") -> None:
        scene = {
            "light": spaces.Discrete(3, start=5),
            "picture": spaces.Box(0, 255, (2, 2, 3), np.uint8),
            "speed": spaces.Box(-1.0, 1.0, (1,), np.float32),
            "word": spaces.Text(4),
        }
        self.observation_space = spaces.Dict(scene)
        self.form = form
        lever, push = spaces.Discrete(3), spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space = {
            "dict": spaces.Dict({"lever": lever, "push": push}),
            "tuple": spaces.Tuple([lever, push]),
            "levers": spaces.MultiDiscrete([3, 2]),
            "switches": spaces.MultiBinary(3),
        }[form]
        self._t = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self._t = 0
        return self._look(), {}

    def step(self, action: Any) -> Any:
        reward = self._paid(action)
        self._t += 1
        return self._look(), reward, self._t == N_STEPS, False, {}

    def _paid(self, action: Any) -> float:
        right = int(self._seen["light"]) - 5
        if self.form == "switches":
            return float(action[right]) - 0.5 * float(action.sum() - action[right])
        if self.form == "levers":
            up = int(self._seen["speed"][0] > 0)
            return float(action[0] == right) + 0.5 * float(action[1] == up)
        lever, push = (
            (action["lever"], action["push"]) if self.form == "dict" else (action[0], action[1])
        )
        assert isinstance(push, np.ndarray)
        off = abs(float(push[0]) - 0.5 * float(self._seen["speed"][0]))
        return float(lever == right) - off

    def _look(self) -> Any:
        rng = self.np_random
        self._seen = {
            "light": np.int64(5 + rng.integers(3)),
            "picture": rng.integers(0, 256, (2, 2, 3)).astype(np.uint8),
            "speed": rng.uniform(-1.0, 1.0, 1).astype(np.float32),
            "word": "".join("ab"[i] for i in rng.integers(2, size=1 + rng.integers(4))),
        }
        return self._seen


def crossing_dict() -> Crossing:
    """Return it with a dict of actions."""
    return Crossing("dict")


def crossing_tuple() -> Crossing:
    """Return it with a tuple of actions."""
    return Crossing("tuple")


def crossing_levers() -> Crossing:
    """Return it with two levers."""
    return Crossing("levers")


def crossing_switches() -> Crossing:
    """Return it with three switches."""
    return Crossing("switches")


def drive_dict(scene: Any) -> Any:
    """Act rightly, in a dict."""
    assert all(isinstance(word, str) for word in scene["word"])
    assert scene["picture"].dtype == np.uint8
    return {"lever": scene["light"] - 5, "push": 0.5 * scene["speed"]}


def drive_tuple(scene: Any) -> Any:
    """Act rightly, in a tuple."""
    return scene["light"] - 5, 0.5 * scene["speed"]


def drive_levers(scene: Any) -> Any:
    """Act rightly with two levers."""
    up = (scene["speed"][:, 0] > 0).astype(np.int64)
    return np.stack([scene["light"] - 5, up], axis=1)


def drive_switches(scene: Any) -> Any:
    """Switch on what the light shows."""
    return np.eye(3, dtype=np.int8)[scene["light"] - 5]
