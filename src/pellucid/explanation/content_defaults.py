"""Empty arrays: what a field of a content kind is if it is not known."""

import numpy as np
from jaxtyping import Bool, Float, Int


def no_numbers() -> Float[np.ndarray, " none"]:
    """Return an empty vector of numbers."""
    return np.empty(0)


def no_integers() -> Int[np.ndarray, " none"]:
    """Return an empty vector of integers."""
    return np.empty(0, dtype=np.int64)


def no_flags() -> Bool[np.ndarray, " none"]:
    """Return an empty vector of flags."""
    return np.empty(0, dtype=bool)


def no_flag_rows() -> Bool[np.ndarray, "none none"]:
    """Return an empty matrix of flags."""
    return np.empty((0, 0), dtype=bool)


def no_pairs() -> Int[np.ndarray, "none 2"]:
    """Return an empty table of pairs of integers, such as episode and step."""
    return np.empty((0, 2), dtype=np.int64)


def no_rows() -> Float[np.ndarray, "none none"]:
    """Return an empty matrix of numbers."""
    return np.empty((0, 0))


def no_cubes() -> Float[np.ndarray, "none none none"]:
    """Return an empty array of numbers with three axes."""
    return np.empty((0, 0, 0))
