"""Random coalitions and random splits, for tests of who contributes what."""

import numpy as np
from jaxtyping import Bool, Float


def kernel_coalitions(
    n_players: int, n_coalitions: int, rng: np.random.Generator
) -> Bool[np.ndarray, "coalitions players"]:
    """Draw coalitions, neither empty nor full, by the weights of the Shapley kernel.

    Among all splits of a total, the Shapley values have the smallest mean squared error for the
    values of coalitions that are drawn so.

    Args:
        n_players: At least 2.
        n_coalitions: How many.
        rng: Draws.

    Raises:
        ValueError: There are fewer than two players.

    Source: Lundberg 2017, theorem 2.
    """
    if n_players < 2:
        raise ValueError(f"expected at least 2 players, got {n_players}")
    sizes = np.arange(1, n_players)
    # all coalitions of a size together weigh (n - 1) / (s (n - s))
    weights = 1.0 / (sizes * (n_players - sizes))
    drawn = rng.choice(sizes, n_coalitions, p=weights / weights.sum())
    ranks = np.argsort(rng.random((n_coalitions, n_players)), axis=1)
    return np.asarray(ranks < drawn[:, None])


def random_split(
    total: float, n_parts: int, rng: np.random.Generator
) -> Float[np.ndarray, " parts"]:
    """Return parts of a total, all splits into shares of its sign being equally likely."""
    return np.asarray(total * rng.dirichlet(np.ones(n_parts)))
