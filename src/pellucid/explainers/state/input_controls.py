"""What is known of the inputs of background rows, and their means over visited states."""

import math

import numpy as np
from jaxtyping import Int

from pellucid.explanation import InputGroups
from pellucid.kernels.control_variates import Controls
from pellucid.types import Observations

_NUMBERS_AT_ONCE = 2**22


def input_controls(
    groups: InputGroups,
    population: Observations,
    drawn: Int[np.ndarray, " draws"],
    n_visited: int,
) -> Controls:
    """Return the value of each input, or the mean of each group, in the rows that were drawn.

    All zero, which adjusts nothing, where groups are found anew in each observation, or where a
    value is not finite.

    Args:
        groups: Inputs or groups of them.
        population: Shape (rows, *observation), visited states from which rows were drawn.
        drawn: Shape (draws,), which of them.
        n_visited: Visited states that the population was taken from.
    """
    if groups.labels is None:
        nothing = np.zeros(len(groups))
        return Controls(np.zeros((len(drawn), len(groups))), nothing, nothing)
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, math.prod(population.shape[1:])))
    parts = [
        groups.means(population[start : start + at_once])
        for start in range(0, len(population), at_once)
    ]
    known = np.concatenate(parts)
    known[:, ~np.isfinite(known).all(axis=0)] = 0.0
    # what comes of them does not depend on their unit, and squares of large numbers overflow
    largest = np.abs(known).max(axis=0)
    known /= np.where(largest > 0, largest, 1.0)
    share = 1 / len(population) - 1 / n_visited
    return Controls(known[drawn], known.mean(axis=0), known.var(axis=0), share)
