"""Coalitions whose values, however noisy, give one unbiased estimate of Shapley values.

For games whose values are dear and random, such as returns: one design is evaluated with one
replicate of the noise, and the mean over independent replicates has the standard error of
independent estimates. The estimate is `matrix @ values` and adds up exactly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pellucid.kernels.shapley import coalition_masks, shapley_matrix


@dataclass(frozen=True)
class CoalitionDesign:
    """Coalitions to evaluate and what turns their values into Shapley values.

    Args:
        masks: Shape (coalitions, players); row 0 is empty, the last row full.
        matrix: Shape (players, coalitions): `phi = matrix @ values`.
    """

    masks: Bool[np.ndarray, "coalitions players"]
    matrix: Float[np.ndarray, "players coalitions"]


def every_coalition(n_players: int) -> CoalitionDesign:
    """Return the design whose estimate is exact for the values that it is given.

    Raises:
        ValueError: Fewer than 1 or more than 16 players.

    Source: Shapley 1953, eq. (13).
    """
    return CoalitionDesign(coalition_masks(n_players), shapley_matrix(n_players).T)


def antithetic_chain(n_players: int, rng: np.random.Generator) -> CoalitionDesign:
    """Return a chain that lets players join in a random order, and in the reverse order.

    Each player is given what it adds on the two ways, on average: 2 n coalitions. Exact if no more
    than two players interact.

    Args:
        n_players: At least 1.
        rng: Draws the order.

    Raises:
        ValueError: There are no players.

    Source: Castro & Tejada 2009, algorithm 1; Mitchell 2022, section 4.1 (antithetic orders).

    Example:
        >>> antithetic_chain(2, np.random.default_rng(0)).masks.sum(axis=1).tolist()
        [0, 1, 1, 2]
    """
    if n_players < 1:
        raise ValueError(f"expected at least 1 player, got {n_players}")
    order = rng.permutation(n_players)
    ranks = order.argsort()
    sizes = np.arange(1, n_players)[:, None]
    there = ranks < sizes
    back = n_players - 1 - ranks < sizes
    empty, full = np.zeros((1, n_players), dtype=bool), np.ones((1, n_players), dtype=bool)
    masks = np.concatenate([empty, there, back, full])
    last = len(masks) - 1
    ways = (
        np.r_[0, 1:n_players, last],
        np.r_[0, n_players:last, last],
    )
    matrix = np.zeros((n_players, len(masks)))
    for way, joined in zip(ways, (order, order[::-1]), strict=True):
        matrix[joined, way[1:]] += 0.5
        matrix[joined, way[:-1]] -= 0.5
    return CoalitionDesign(masks, matrix)
