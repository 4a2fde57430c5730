"""Checks of what an environment hands back, made for a whole batch where that is cheaper."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import Bool, Shaped

_PLAIN_REWARDS = (float, int, np.float64)


class BadStepError(Exception):
    """An environment returned something outside its own declaration."""


@dataclass(frozen=True)
class ObservationRules:
    """What every observation of a space must be.

    Args:
        shape: Of one observation.
        dtype: In which observations are stored.
        low: Shape of one observation, the smallest values.
        high: Shape of one observation, the largest values.
        strict: Values outside `low` and `high` end the episode (they are categories). In a Box
            they are only counted: the ranges of many environments are known to be too narrow.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    low: Shaped[np.ndarray, "*observation"]
    high: Shaped[np.ndarray, "*observation"]
    strict: bool

    def stored(self, observation: Any) -> Any:
        """Return an observation that has the right shape and type.

        Raises:
            BadStepError: It has another shape, or a type that loses values when stored.
        """
        if type(observation) is not np.ndarray and self.shape == ():
            observation = _integer(observation)
        got_shape = getattr(observation, "shape", None)
        got_dtype = getattr(observation, "dtype", None)
        if got_shape == self.shape and got_dtype == self.dtype:
            return observation
        fits = isinstance(observation, np.ndarray | np.generic) and got_shape == self.shape
        if fits and got_dtype is not None and np.can_cast(got_dtype, self.dtype):
            return np.asarray(observation, dtype=self.dtype)
        raise BadStepError(
            f"expected an observation of shape {self.shape} and type {self.dtype}, "
            f"got {_described(observation)}"
        )

    def all_inside(self, batch: Shaped[np.ndarray, "batch *observation"]) -> bool:
        """Whether no row leaves the declared range or holds NaN (no comparison with NaN holds)."""
        return bool(((batch >= self.low) & (batch <= self.high)).all())

    def outside(self, batch: Shaped[np.ndarray, "batch *observation"]) -> Bool[np.ndarray, " b"]:
        """Return which rows leave the declared range; NaN is not among the reasons."""
        values = ((batch < self.low) | (batch > self.high)).reshape(len(batch), -1)
        return np.asarray(values.any(axis=1))

    def not_a_number(
        self, batch: Shaped[np.ndarray, "batch *observation"]
    ) -> Bool[np.ndarray, " b"]:
        """Return which rows hold NaN, which only floats can."""
        # only NaN differs from itself
        return np.asarray((batch != batch).reshape(len(batch), -1).any(axis=1))


def observation_rules(space: Any) -> ObservationRules:
    """Return the rules of an observation space (Box, Discrete, MultiBinary or MultiDiscrete)."""
    shape, dtype = space_layout(space)
    if isinstance(space, spaces.Box):
        return ObservationRules(shape, dtype, space.low, space.high, strict=False)
    if isinstance(space, spaces.Discrete):
        low, high = np.asarray(space.start), np.asarray(space.start + space.n - 1)
    elif isinstance(space, spaces.MultiDiscrete):
        low, high = np.asarray(space.start), np.asarray(space.start + space.nvec - 1)
    else:
        low, high = np.zeros(shape, dtype), np.ones(shape, dtype)
    return ObservationRules(shape, dtype, low, high, strict=True)


def space_layout(space: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and type in which elements of a space are stored."""
    return tuple(space.shape or ()), np.dtype(space.dtype)


def checked_reward(reward: Any) -> float:
    """Return a reward as a float; an array of no dimension is accepted.

    Raises:
        BadStepError: It is not one finite number.
    """
    if type(reward) not in _PLAIN_REWARDS:
        array = reward if isinstance(reward, np.ndarray | np.generic) else _number(reward)
        if array.shape != () or array.dtype.kind not in "fiub":
            raise BadStepError(f"expected one number as the reward, got {_described(reward)}")
        reward = array.item()
    value = float(reward)
    if value - value != 0.0:  # true for NaN and both infinities, and faster than math.isfinite
        raise BadStepError(f"the reward is {value}")
    return value


def checked_flag(flag: Any, name: str) -> bool:
    """Return a flag of a step as a bool.

    Raises:
        BadStepError: It is neither true nor false.
    """
    if type(flag) is bool:
        return flag
    if isinstance(flag, np.bool_ | np.ndarray) and flag.shape == () and flag.dtype == bool:
        return bool(flag)
    raise BadStepError(f"expected {name} to be true or false, got {_described(flag)}")


def _integer(value: Any) -> Any:
    return np.asarray(value) if type(value) is int else value


def _number(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, int | float) else np.empty((0,))


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray | np.generic):
        return f"an array of shape {value.shape} and type {value.dtype}"
    return type(value).__name__
