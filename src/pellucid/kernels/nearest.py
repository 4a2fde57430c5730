"""Nearest rows under many subsets of columns at once."""

import numpy as np
from jaxtyping import Bool, Float, Int

_ELEMENTS_AT_ONCE = 2**22


def nearest_by_subset(
    squares: Float[np.ndarray, "rows columns"],
    subsets: Bool[np.ndarray, "subsets columns"],
    rank: int = 0,
) -> Int[np.ndarray, " subsets"]:
    """Return, for each subset of columns, the row with the smallest sum over them, or a later one.

    Args:
        squares: Squared differences to one point, finite.
        subsets: True for the columns that count; a subset without any has all rows equally near.
        rank: 0 for the nearest row, 1 for the next; ties in the order of the rows.

    Raises:
        ValueError: There is no row of that rank.

    Example:
        >>> squares = np.array([[4.0, 0.0], [1.0, 9.0]])
        >>> nearest_by_subset(squares, np.array([[True, False], [False, True]])).tolist()
        [1, 0]
    """
    n_rows = len(squares)
    if not 0 <= rank < n_rows:
        raise ValueError(f"expected a rank from 0 to {n_rows - 1}, got {rank}")
    nearest = np.empty(len(subsets), dtype=np.int64)
    at_once = max(1, _ELEMENTS_AT_ONCE // n_rows)
    for start in range(0, len(subsets), at_once):
        part = slice(start, start + at_once)
        distances = subsets[part].astype(squares.dtype) @ squares.T
        each = np.arange(len(distances))
        for _ in range(rank):  # many times faster than sorting for the few ranks in use
            distances[each, distances.argmin(axis=1)] = np.inf
        nearest[part] = distances.argmin(axis=1)
    return nearest
