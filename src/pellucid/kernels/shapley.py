"""Exact Shapley values of games with up to 16 players.

A game with n players is given by the values of its 2^n coalitions. The Shapley values are one fixed
matrix times those, so that one product serves any number of states and outputs at once. Beyond 16
players see `kernels.shapley_regression`.
"""

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

MAX_EXACT_PLAYERS = 16
"""2^16 coalitions times 16 players are 8 MiB; each further player doubles all work."""


def coalition_masks(n_players: int) -> Bool[np.ndarray, "coalitions players"]:
    """Return all 2^n coalitions; player i is in row r if bit i of r is set.

    Row 0 is the empty coalition, the last row has all players, and rows r and 2^n - 1 - r are
    complements.

    Raises:
        ValueError: Fewer than 1 or more than 16 players.

    Example:
        >>> coalition_masks(2).astype(int).tolist()
        [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    if not 1 <= n_players <= MAX_EXACT_PLAYERS:
        raise ValueError(f"expected 1 to {MAX_EXACT_PLAYERS} players, got {n_players}")
    rows = np.arange(2**n_players)[:, None]
    return (rows >> np.arange(n_players)[None, :] & 1).astype(bool)


@lru_cache(maxsize=4)
def shapley_matrix(n_players: int) -> Float[np.ndarray, "coalitions players"]:
    """Return K with `phi = K.T @ values` for values in the order of `coalition_masks`.

    A coalition S has weight 1 / (n C(n-1, |S|-1)) for its members and -1 / (n C(n-1, |S|)) for the
    others. The array is shared and read-only.

    Raises:
        ValueError: Fewer than 1 or more than 16 players.

    Source: Shapley 1953, eq. (13).
    """
    masks = coalition_masks(n_players)
    joining = np.array(
        [1.0 / (n_players * math.comb(n_players - 1, size)) for size in range(n_players)]
    )
    sizes = masks.sum(axis=1)
    # the clipped entries are never used: no one is in the empty coalition, no one outside the full
    inside = joining[np.clip(sizes - 1, 0, None)][:, None]
    outside = -joining[np.clip(sizes, None, n_players - 1)][:, None]
    matrix = np.where(masks, inside, outside)
    matrix.flags.writeable = False
    return np.asarray(matrix)


def exact_shapley(
    values: Float[np.ndarray, "coalitions *outputs"],
) -> Float[np.ndarray, "players *outputs"]:
    """Return the Shapley values of games given by all their coalitions.

    Args:
        values: Shape (2^n, …) in the order of `coalition_masks`; one game per trailing position.

    Raises:
        ValueError: The first axis is not 2^n with n from 1 to 16.

    Example:
        >>> exact_shapley(np.array([0.0, 1.0, 2.0, 4.0])).tolist()
        [1.5, 2.5]
    """
    n_coalitions = len(values)
    n_players = n_coalitions.bit_length() - 1
    if n_coalitions != 2**n_players:
        raise ValueError(f"expected 2^n coalition values, got {n_coalitions}")
    games = np.asarray(values, dtype=np.float64).reshape(n_coalitions, -1)
    phi = shapley_matrix(n_players).T @ games
    return np.asarray(phi.reshape(n_players, *np.shape(values)[1:]))


def efficiency_error(
    phi: Float[np.ndarray, "players *outputs"],
    empty: Float[np.ndarray, "*outputs"] | float,
    full: Float[np.ndarray, "*outputs"] | float,
) -> float:
    """Return how far the values are from adding up to v(all) - v(none), the largest over outputs.

    Relative to the largest size of v(all), v(none) or any value; 0 if all of them are 0.
    NaN anywhere gives NaN, which no tolerance accepts.
    """
    scale = float(np.max([np.max(np.abs(part), initial=0.0) for part in (phi, empty, full)]))
    missing = np.asarray(phi, dtype=np.float64).sum(axis=0) - (full - empty)
    error = float(np.max(np.abs(missing), initial=0.0))
    # written so that a NaN stays one
    return 0.0 if scale == 0 else error / scale
