"""Integrated gradients along straight paths, for all outputs at once."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

GradientFn: TypeAlias = Callable[
    [Float[np.ndarray, "rows inputs"]], Float[np.ndarray, "rows inputs outputs"]
]
"""The gradient of every output with respect to the inputs, row by row."""


def integrated_gradients(
    gradient: GradientFn,
    state: Float[np.ndarray, " inputs"],
    background: Float[np.ndarray, "background inputs"],
    n_points: int,
) -> Float[np.ndarray, "background inputs outputs"]:
    """Return (x - b) times the mean gradient along the path from b to x (Sundararajan 2017, eq. 1).

    The integral is a sum at the points of Gauss and Legendre, which is exact for outputs that are
    polynomials of degree up to `2 * n_points` along the path.

    Args:
        gradient: One query per row.
        state: x.
        background: Rows b.
        n_points: Points on each path.
    """
    places, weights = np.polynomial.legendre.leggauss(n_points)
    shares, weights = (places + 1) / 2, weights / 2
    steps = state - background
    rows = background[:, None, :] + shares[:, None] * steps[:, None, :]
    found = gradient(rows.reshape(-1, len(state)))
    slopes = found.reshape(len(background), n_points, len(state), -1)
    return np.asarray(np.einsum("p,bpio->bio", weights, slopes) * steps[:, :, None])
