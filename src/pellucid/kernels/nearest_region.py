"""Which region a state belongs to: the one with the nearest middle."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist


def nearest_region(
    rows: Float[np.ndarray, "rows inputs"],
    centres: Float[np.ndarray, "regions inputs"],
    spreads: Float[np.ndarray, " inputs"],
) -> Int[np.ndarray, " rows"]:
    """Return the region of each row, the first of those that are equally near.

    Args:
        rows: Shape (rows, inputs).
        centres: Shape (regions, inputs), at least one.
        spreads: Shape (inputs,), unit of each input.

    Example:
        >>> nearest_region(np.array([[0.9], [9.0]]), np.array([[0.0], [1.0], [5.0]]), np.ones(1))
        array([1, 2])
    """
    return np.asarray(cdist(rows / spreads, centres / spreads).argmin(axis=1))
