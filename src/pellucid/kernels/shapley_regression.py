"""Shapley values of games with many players, by a weighted regression on paired coalitions.

The estimate is one matrix times the values of the coalitions that were evaluated, so that one
product serves any number of states and outputs at once: `phi = design.matrix @ values`.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class PairedDesign:
    """Coalitions to evaluate and the matrix that turns their values into Shapley values.

    Args:
        masks: Shape (coalitions, players). Row 0 is empty, row 1 full; then complements in pairs.
        matrix: Shape (players, coalitions): `phi = matrix @ values`.
        n_enumerated: Leading rows that are not drawn at random and carry no sampling error.
    """

    masks: Bool[np.ndarray, "coalitions players"]
    matrix: Float[np.ndarray, "players coalitions"]
    n_enumerated: int


def paired_regression(n_players: int, n_coalitions: int, rng: np.random.Generator) -> PairedDesign:
    """Plan a kernel regression on coalitions and their complements.

    Sizes from the outside in are enumerated while the budget pays for all their coalitions; those
    of the other sizes are drawn by the kernel's weight, 1 / (s (n - s)). A coalition that is drawn
    twice is one row of double weight, so that none is evaluated twice. Pairs remove the even part
    of the game, on which Shapley values do not depend. The values add up exactly.

    Args:
        n_players: At least 2.
        n_coalitions: Rows to evaluate at most; at least 2 n + 2, from 2^n on the result is exact.
        rng: Draws the coalitions.

    Raises:
        ValueError: Too few players, or too few coalitions for one regression.

    Source: Lundberg 2017, theorem 2; Covert 2021, section 3.2 (pairs, exact sum).
    """
    if n_players < 2:
        raise ValueError(f"expected at least 2 players, got {n_players}")
    if n_coalitions < 2 * n_players + 2:
        raise ValueError(f"expected at least {2 * n_players + 2} coalitions, got {n_coalitions}")
    n_pairs = (n_coalitions - 2) // 2
    complete, complete_weights = _enumerated(n_players, n_pairs)
    last_size = int(complete[-1].sum())
    drawn, counts = _drawn(n_players, last_size, n_pairs - len(complete), rng)
    left = max(0.0, 1.0 - float(complete_weights.sum()))
    halves = np.concatenate([complete, drawn])
    weights = np.concatenate([complete_weights, left * counts / max(1, counts.sum())])
    masks = np.zeros((2 + 2 * len(halves), n_players), dtype=bool)
    masks[1] = True
    masks[2::2], masks[3::2] = halves, ~halves
    matrix = _regression_matrix(masks, np.repeat(weights / 2, 2))
    return PairedDesign(masks, matrix, 2 + 2 * len(complete))


def paired_standard_errors(
    design: PairedDesign, values: Float[np.ndarray, "coalitions *outputs"]
) -> Float[np.ndarray, "players *outputs"]:
    """Return the standard error of `design.matrix @ values` that comes from drawing coalitions.

    Pairs that were drawn count as independent, each with its residual; corrected for the number of
    players fitted. Zero if all coalitions were enumerated.

    Source: MacKinnon & White 1985 (HC1), clustered by pair.
    """
    games = np.asarray(values, dtype=np.float64).reshape(len(design.masks), -1)
    residuals = games - games[0] - design.masks @ (design.matrix @ games)
    start = design.n_enumerated
    n_players = design.masks.shape[1]
    n_pairs = (len(design.masks) - start) // 2
    variances = np.zeros((n_players, games.shape[1]))
    for row in range(start, len(design.masks), 2):
        # pair by pair, as (players, pairs, outputs) at once may not fit
        pair = design.matrix[:, row : row + 2] @ residuals[row : row + 2]
        variances += pair**2
    correction = n_pairs / max(1, n_pairs - n_players)
    errors = np.sqrt(correction * variances)
    return np.asarray(errors.reshape(n_players, *np.shape(values)[1:]))


def _pair_shares(n_players: int) -> np.ndarray:
    """Return the kernel's weight of sizes s and n - s together, for s = 1 … n // 2."""
    sizes = np.arange(1, n_players // 2 + 1)
    shares = 1.0 / (sizes * (n_players - sizes))
    shares[2 * sizes == n_players] /= 2  # this size is its own complement
    return np.asarray(shares / shares.sum())


def _enumerated(n_players: int, n_pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one coalition of each pair whose size is enumerated, and the pairs' weights."""
    masks, weights = [], []
    left, used = n_pairs, 0.0
    for size, share in enumerate(_pair_shares(n_players), start=1):
        n_subsets = math.comb(n_players, size)
        count = n_subsets // 2 if 2 * size == n_players else n_subsets
        # size 1 always, so that the regression has full rank; others if drawing would take as many
        drawn_instead = left * share / max(1.0 - used, 1e-300)
        if size > 1 and (count > left or drawn_instead < count):
            break
        # of size n/2, the first half of the lexicographic order holds player 0 and no complements
        masks.append(_subsets(n_players, size, count))
        weights.append(np.full(count, share / count))
        left -= count
        used += float(share)
    return np.concatenate(masks), np.concatenate(weights)


def _subsets(n_players: int, size: int, count: int) -> np.ndarray:
    chosen = itertools.islice(itertools.combinations(range(n_players), size), count)
    members = np.array(list(chosen), dtype=np.int64)
    masks = np.zeros((count, n_players), dtype=bool)
    masks[np.arange(count)[:, None], members] = True
    return masks


def _drawn(
    n_players: int, last_size: int, n_pairs: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return one coalition of each drawn pair, and how often it was drawn."""
    shares = _pair_shares(n_players)[last_size:]
    if n_pairs <= 0 or not len(shares):
        return np.empty((0, n_players), dtype=bool), np.empty(0)
    offsets = rng.choice(len(shares), size=n_pairs, p=shares / shares.sum())
    sizes = last_size + 1 + offsets
    ranks = rng.random((n_pairs, n_players)).argsort(axis=1).argsort(axis=1)
    masks = ranks < sizes[:, None]
    flipped = (2 * sizes == n_players) & ~masks[:, 0]
    masks[flipped] = ~masks[flipped]  # one form per pair, so that repeats are found
    distinct, counts = np.unique(masks, axis=0, return_counts=True)
    return distinct, counts.astype(np.float64)


def _regression_matrix(masks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Solve for phi as a linear function of all values, with the sum held to v(all) - v(none)."""
    members = masks[2:].astype(np.float64)
    weighted = members.T * weights
    right = np.zeros((masks.shape[1], len(masks)))
    right[:, 2:] = weighted
    right[:, 0] = -weighted.sum(axis=1)
    total = np.zeros(len(masks))
    total[0], total[1] = -1.0, 1.0
    gram = weighted @ members
    free = np.linalg.solve(gram, right)
    ones = np.linalg.solve(gram, np.ones(len(gram)))
    return np.asarray(free - np.outer(ones, free.sum(axis=0) - total) / ones.sum())
