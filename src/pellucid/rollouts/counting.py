"""What is added up along a future: visits of places, levels of inputs, or terms of the reward."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.spatial.distance import cdist

from pellucid.agents.flatten import flat
from pellucid.kernels.reward_parts import stacked_terms

Form: TypeAlias = Literal["places", "levels", "terms"]
SAME_PLACE = 1e-6
"""Largest difference between the inputs of two visits of one place."""


def _no_places() -> Float[np.ndarray, "none none"]:
    return np.empty((0, 0))


def _no_columns() -> Int[np.ndarray, " none"]:
    return np.empty(0, dtype=np.int64)


def _no_bounds() -> Float[np.ndarray, " none"]:
    return np.empty(0)


def _no_sides() -> Bool[np.ndarray, " none"]:
    return np.empty(0, dtype=bool)


@dataclass(frozen=True)
class Counted:
    """What is counted in every step of a future.

    Args:
        form: `places`: 1 on arriving at a place; `levels`: 1 on arriving where an input is beyond a
            bound; `terms`: what a term of the reward pays.
        names: One per count.
        places: Shape (counts, inputs), the inputs at each place; of `places` alone.
        columns: Shape (counts,), the input of each level; of `levels` alone.
        bounds: Shape (counts,), the bound of each level.
        above: Shape (counts,), whether the level is above its bound, else it is below.
    """

    form: Form
    names: tuple[str, ...]
    places: Float[np.ndarray, "counts inputs"] = field(default_factory=_no_places)
    columns: Int[np.ndarray, " counts"] = field(default_factory=_no_columns)
    bounds: Float[np.ndarray, " counts"] = field(default_factory=_no_bounds)
    above: Bool[np.ndarray, " counts"] = field(default_factory=_no_sides)

    def of(
        self,
        observations: Shaped[np.ndarray, "steps_and_one *observation"],
        terms: Mapping[str, Float[np.ndarray, " steps"]],
    ) -> Float[np.ndarray, "steps counts"]:
        """Return the counts of every step, those of where it leads to.

        Args:
            observations: Shape (steps + 1, *observation), what was seen before and after each step.
            terms: Terms of the reward by name, each of shape (steps,); NaN where one is unknown.

        Example:
            >>> far = Counted("levels", ("far",), columns=np.array([0]), bounds=np.array([1.0]),
            ...               above=np.array([True]))
            >>> far.of(np.array([[3.0], [0.5], [2.0]]), {}).tolist()
            [[0.0], [1.0]]
        """
        if self.form == "terms":
            return stacked_terms(terms, self.names, len(observations) - 1)
        reached = flat(observations[1:])
        if self.form == "levels":
            values = reached[:, self.columns]
            beyond = np.where(self.above, values > self.bounds, values < self.bounds)
            return np.asarray(beyond, dtype=np.float64)
        # the Chebyshev distance: no input may differ
        apart = cdist(reached, self.places, "chebyshev")
        return np.asarray(apart <= SAME_PLACE, dtype=np.float64)


def discounted_sums(
    counts: Float[np.ndarray, "steps counts"], discount: float, horizon: int
) -> Float[np.ndarray, " counts"]:
    """Return the discounted sum of the first steps, the first one in full.

    Args:
        counts: Shape (steps, counts).
        discount: Weight of the next step, in [0, 1].
        horizon: Steps that are counted at most.

    Example:
        >>> discounted_sums(np.array([[1.0], [1.0], [1.0]]), 0.5, 2).tolist()
        [1.5]
    """
    kept = counts[:horizon]
    weights = discount ** np.arange(len(kept), dtype=np.float64)
    return np.asarray(weights @ kept)
