"""Draws that depend on an index alone, not on what was drawn before."""

import numpy as np
from jaxtyping import Int

_FACTOR = np.uint64(0xD1342543DE82EF95)


def indexed_draws(
    seed: int, *indices: Int[np.ndarray, " rows"], below: int
) -> Int[np.ndarray, " rows"]:
    """Return one integer in [0, below) per row, a function of the seed and the row's indices.

    For replacement values that must be the same however rows are batched or split over processes,
    such as one per (episode, step). Not for statistics that need independent streams of floats.

    Args:
        seed: Any integer from 0 to 2^64 - 1.
        indices: Integer arrays of one shape; each position is one draw.
        below: Number of outcomes, at least 1; far below 2^64, so that the remainder is unbiased.

    Raises:
        ValueError: There is nothing to draw from.

    Source: Steele 2014 (SplitMix64).
    """
    if below < 1:
        raise ValueError(f"expected at least one outcome to draw from, got {below}")
    state = _mixed(np.full(np.shape(indices[0]), seed, dtype=np.uint64))
    for index in indices:
        # the factor tells earlier indices from later ones: without it (1, 0) would equal (0, 1)
        state = _mixed(state * _FACTOR + _mixed(np.asarray(index).astype(np.uint64)))
    return (state % np.uint64(below)).astype(np.int64)


def _mixed(values: np.ndarray) -> np.ndarray:
    # wraps around by design; arrays, unlike scalars, do so without a warning
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
