"""Random masks that show every player equally often, and every two players independently."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import hadamard


def n_balanced_masks(n_players: int) -> int:
    """Return how many masks one draw has: twice the first power of two above the players.

    Example:
        >>> n_balanced_masks(3), n_balanced_masks(64)
        (8, 256)
    """
    return 2 * (1 << max(0, n_players).bit_length())


def balanced_masks(n_players: int, rng: np.random.Generator) -> Bool[np.ndarray, "masks players"]:
    """Return masks in which each player is shown in half, and each pair together in a quarter.

    Columns of a Hadamard matrix in random order and with random signs, followed by the complement
    of every mask. Each mask alone is as likely as any other, so that means over masks are those
    over independent ones; but what other players add to an answer, alone or in twos, falls out of
    a player's mean exactly and not on average. Three players or fewer get all masks.

    Args:
        n_players: At least 1.
        rng: Draws columns and signs.

    Source: Plackett & Burman 1946 (Hadamard designs); Box & Wilson 1951 (complements, "foldover").
    """
    half = n_balanced_masks(n_players) // 2
    columns = 1 + rng.choice(half - 1, size=n_players, replace=False)  # the first is constant
    signs = rng.choice([-1, 1], size=n_players)
    shown = hadamard(half)[:, columns] * signs > 0
    return np.concatenate([shown, ~shown])


def shown_effects(
    masks: Bool[np.ndarray, "masks players"], answers: Float[np.ndarray, "masks outputs"]
) -> Float[np.ndarray, "players outputs"]:
    """Return the mean answer where a player is shown, minus the mean answer of all masks.

    Args:
        masks: Each player is shown in some.
        answers: One row per mask.

    Source: Petsiuk 2018, eq. (6), divided by how often each player is really shown in place of the
        probability, and with the mean answer taken off.

    Example:
        >>> shown_effects(np.array([[True], [False]]), np.array([[3.0], [1.0]]))
        array([[1.]])
    """
    centred = answers - answers.mean(axis=0)
    return np.asarray((masks.T @ centred) / masks.sum(axis=0)[:, None])
