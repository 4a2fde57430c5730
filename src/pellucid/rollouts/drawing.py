"""Random and opposite actions: what to force in place of the agent's own."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from jaxtyping import Shaped

from pellucid.errors import CapabilityError


def random_actions(
    space: Any, n_actions: int, rng: np.random.Generator
) -> Shaped[np.ndarray, "n_actions *action"]:
    """Draw actions uniformly over an action space.

    Unbounded dimensions of a Box are drawn from -1 to 1.

    Args:
        space: Discrete, Box, MultiDiscrete or MultiBinary.
        n_actions: How many.
        rng: The only source of randomness (a space's own generator is global state).

    Raises:
        CapabilityError: The space is of another kind.
    """
    if isinstance(space, Discrete):
        return np.asarray(space.start + rng.integers(space.n, size=n_actions), dtype=space.dtype)
    if isinstance(space, Box):
        low = np.where(np.isfinite(space.low), space.low, -1.0)
        high = np.where(np.isfinite(space.high), space.high, 1.0)
        return rng.uniform(low, high, size=(n_actions, *space.shape)).astype(space.dtype)
    if isinstance(space, MultiDiscrete):
        draws = rng.integers(space.nvec, size=(n_actions, *space.nvec.shape))
        return (space.start + draws).astype(space.dtype)
    if isinstance(space, MultiBinary):
        return rng.integers(2, size=(n_actions, *space.shape)).astype(space.dtype)
    raise CapabilityError(
        f"random actions of a {type(space).__name__} action space are not known",
        hint="supported: Discrete, Box, MultiDiscrete, MultiBinary",
    )


def opposite_action(space: Any, action: Shaped[np.ndarray, " *action"]) -> np.ndarray:
    """Return a Box action mirrored at the middle of its range.

    An action in the middle (within a tenth of the range in every dimension) has no opposite; the
    upper end is returned for it.

    Example:
        >>> opposite_action(Box(-2.0, 2.0, (1,)), np.array([1.5], np.float32))
        array([-1.5], dtype=float32)
    """
    low = np.where(np.isfinite(space.low), space.low, -1.0)
    high = np.where(np.isfinite(space.high), space.high, 1.0)
    middle = (low + high) / 2
    if np.all(np.abs(action - middle) <= 0.1 * (high - low)):
        return np.asarray(high, dtype=space.dtype)
    return np.asarray(2 * middle - action, dtype=space.dtype)
