"""Random and opposite actions to force in place of the agent's own, and the draws of its own."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from jaxtyping import Shaped

from pellucid.envs.rows import RowSpace
from pellucid.errors import CapabilityError
from pellucid.seeds import stream

_STRIDE = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""The golden ratio of 2^128, odd: draws between two steps' starts, beyond what any agent takes."""


class PolicyDraws:
    """The draws of a sampled policy: each step of an episode has its own.

    With one sequence for the whole episode, an action that is forced, or an agent that is asked
    twice, would shift every later draw, and arms of one replicate would differ by luck.

    Args:
        seed: Of the run or the futures.
        path: Which episode or replicate, as for `seeds.stream`.
    """

    def __init__(self, seed: int, *path: str | int) -> None:
        self._rng = stream(seed, "policy", *path)
        self._start = self._rng.bit_generator.state

    def at(self, step: int) -> np.random.Generator:
        """Return the generator at the first draw of a step; the last one returned is reused."""
        bits: Any = self._rng.bit_generator
        bits.state = self._start
        bits.advance(step * _STRIDE % 2**128)
        return self._rng


def random_actions(
    space: Any, n_actions: int, rng: np.random.Generator
) -> Shaped[np.ndarray, "n_actions *action"]:
    """Draw actions uniformly over an action space.

    Unbounded dimensions of a Box are drawn from -1 to 1, half-bounded ones at least one wide.

    Args:
        space: Discrete, Box, MultiDiscrete or MultiBinary, or rows of parts that are such, each
            drawn by itself.
        n_actions: How many.
        rng: The only source of randomness (a space's own generator is global state).

    Raises:
        CapabilityError: The space is of another kind.
    """
    if isinstance(space, RowSpace):
        drawn = [random_actions(part.space, n_actions, rng) for part in space.parts]
        columns = [part.reshape(n_actions, -1).astype(space.dtype) for part in drawn]
        return np.concatenate([np.empty((n_actions, 0), space.dtype), *columns], axis=1)
    if isinstance(space, Discrete):
        return np.asarray(space.start + rng.integers(space.n, size=n_actions), dtype=space.dtype)
    if isinstance(space, Box):
        low, high = _ends(space)
        return rng.uniform(low, high, size=(n_actions, *space.shape)).astype(space.dtype)
    if isinstance(space, MultiDiscrete):
        draws = rng.integers(space.nvec, size=(n_actions, *space.nvec.shape))
        return (space.start + draws).astype(space.dtype)
    if isinstance(space, MultiBinary):
        return rng.integers(2, size=(n_actions, *space.shape)).astype(space.dtype)
    raise CapabilityError(
        f"random actions of a {type(space).__name__} action space are not known",
        hint="supported: Discrete, Box, MultiDiscrete, MultiBinary, and Dict or Tuple of these",
    )


def opposite_action(space: Any, action: Shaped[np.ndarray, " *action"]) -> np.ndarray:
    """Return a Box action mirrored at the middle of its range.

    An action in the middle (within a tenth of the range in every dimension) has no opposite; the
    upper end is returned for it.

    Example:
        >>> opposite_action(Box(-2.0, 2.0, (1,)), np.array([1.5], np.float32))
        array([-1.5], dtype=float32)
    """
    low, high = _ends(space)
    middle = (low + high) / 2
    if np.all(np.abs(action - middle) <= 0.1 * (high - low)):
        return np.asarray(high, dtype=space.dtype)
    return np.asarray(2 * middle - action, dtype=space.dtype)


def _ends(space: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return a range inside the space: its own ends, and -1 or 1 where it has none."""
    # a range from 2 on has no room up to 1
    low = np.where(np.isfinite(space.low), space.low, np.minimum(-1.0, space.high - 1.0))
    return low, np.where(np.isfinite(space.high), space.high, np.maximum(1.0, low + 1.0))
