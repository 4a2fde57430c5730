"""Policy evaluation by parts: what of the return each part brings, fitted to recorded episodes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.flatten import flat
from pellucid.kernels.kernel_ridge import KernelRidge, fit_kernel_ridge
from pellucid.rollouts.episodes import Episode, Episodes

MOST_ROWS = 600
"""Visited states that a fit uses at most, evenly spread over all of them."""


@dataclass(frozen=True)
class FittedParts:
    """What follows on average from a state if the agent goes on, part by part.

    Args:
        fit: Of inputs and step; its last target is the whole.
    """

    fit: KernelRidge

    def __call__(
        self,
        observations: Shaped[np.ndarray, "states *observation"],
        steps: Int[np.ndarray, " states"],
    ) -> Float[np.ndarray, "states parts_and_whole"]:
        """Return the parts from these states on, and the whole in the last column.

        Args:
            observations: Shape (states, *observation).
            steps: Shape (states,), step of its episode at which each is seen.
        """
        return self.fit.predict(_rows(observations, steps))


def fit_parts(
    episodes: Episodes,
    parts_of: Callable[[Episode], Float[np.ndarray, "steps parts_and_whole"]],
) -> FittedParts:
    """Return the parts of what followed in recorded episodes, as a smooth function of the state.

    Fitted to what did follow until each episode ended, for all parts with the same smoothing, so
    that they add up to the whole if those of every episode do. The step is an input beside those of
    the agent: where a time limit ends episodes, less follows late in them.

    Args:
        episodes: At least one, with steps.
        parts_of: Maps an episode to shape (steps, parts and whole).
    """
    followed = np.concatenate([parts_of(episode) for episode in episodes.used])
    chosen = spread(len(followed), MOST_ROWS)
    numbers = episodes.visited_steps[chosen]
    rows = _rows(episodes.visited[chosen], numbers[:, 1])
    return FittedParts(fit_kernel_ridge(rows, followed[chosen], numbers[:, 0]))


def spread(n: int, most: int) -> Int[np.ndarray, " chosen"]:
    """Return at most so many of n positions, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))


def _rows(
    observations: Shaped[np.ndarray, "states *observation"], steps: Int[np.ndarray, " states"]
) -> Float[np.ndarray, "states inputs"]:
    return np.column_stack((flat(observations), steps.astype(np.float64)))
