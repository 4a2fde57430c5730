"""The last frames seen at once, as two libraries join them, for agents that were trained so.

A spec names its wrappers by module and name and has no place for a number: so there is one callable
for each number of frames, `joined_2` to `joined_8` and `new_axis_2` to `new_axis_8`.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FrameStackObservation

FRAMES = range(2, 9)

Env = gymnasium.Env[Any, Any]


class JoinedFrames(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Shows the last frames joined along the channels, oldest first, zeros before the start.

    As the `VecFrameStack` of Stable-Baselines3: along the first axis of an image whose channels
    come first, else along the last axis.

    Args:
        env: An environment with a Box of observations.
        n_frames: How many.
    """

    def __init__(self, env: Env, n_frames: int) -> None:
        super().__init__(env)
        space: Any = env.observation_space
        self._axis = joined_axis(space)
        low, high = (
            np.concatenate([end] * n_frames, self._axis) for end in (space.low, space.high)
        )
        # zeros come first, whatever the range
        self.observation_space = spaces.Box(
            np.minimum(low, 0).astype(space.dtype), np.maximum(high, 0).astype(space.dtype),
            dtype=space.dtype,
        )  # fmt: skip
        self._size = space.shape[self._axis]
        self._seen: Any = None

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Forget what was seen."""
        space: Any = self.observation_space
        self._seen = np.zeros(space.shape, space.dtype)
        return super().reset(**kwargs)

    def observation(self, observation: Any) -> Any:
        """Return the last frames with this one as the newest."""
        older = np.take(self._seen, range(self._size, self._seen.shape[self._axis]), self._axis)
        self._seen = np.concatenate([older, observation], self._axis)
        return self._seen.copy()


def joined_axis(space: spaces.Box) -> int:
    """Return the axis along which frames of a space are joined."""
    shape = space.shape
    image = len(shape) == 3 and space.dtype == np.uint8
    return 0 if image and int(np.argmin(shape)) == 0 else len(shape) - 1


def stacked_space(space: Any, wrapper: str) -> Any:
    """Return the observation space that a wrapper of this module makes of another one."""
    stand_in: Any = gymnasium.Env()
    stand_in.observation_space, stand_in.action_space = space, spaces.Discrete(1)
    return globals()[wrapper.partition(":")[2]](stand_in).observation_space


def stacks_of(space: Any) -> list[str]:
    """Return the wrappers of this module that can be put around a space, as a spec names them."""
    if not isinstance(space, spaces.Box) or not space.shape or 0 in space.shape:
        return []
    return [f"{__name__}:{form}_{n}" for form in ("joined", "new_axis") for n in FRAMES]


def _joined(n_frames: int) -> Callable[[Env], Env]:
    def wrap(env: Env) -> Env:
        return JoinedFrames(env, n_frames)

    return wrap


def _new_axis(n_frames: int) -> Callable[[Env], Env]:
    def wrap(env: Env) -> Env:
        return FrameStackObservation(env, n_frames)

    return wrap


for _n in FRAMES:
    globals()[f"joined_{_n}"] = _joined(_n)
    globals()[f"new_axis_{_n}"] = _new_axis(_n)
