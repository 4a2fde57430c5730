"""Shapley values of games with many players, of whom few interact by threes.

Pairs of complementary coalitions see the odd part of a game alone, and its Shapley values depend on
nothing else. The odd part is a sum over sets of one, three, … players of a weight times the product
of their signs, 1 in the coalition and -1 outside: players that interact by twos add to the single
ones alone. So the few sets of three that matter are looked for; what they add is known in closed
form, and what they leave over is estimated by the usual regression.
"""

import itertools
import math

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.shapley_regression import PairedDesign, paired_standard_errors

MOST_CANDIDATES = 40
"""Players among whom sets of three are looked for: those of the largest values."""
PAIRS_PER_TERM = 4
"""Pairs of coalitions for each term of the model at least, single players included."""
FREEDOM_PER_SET = 4
"""Degrees of freedom that a set takes from what is left over: chosen among many, it fits more noise
than one given beforehand. With 1, 95 % intervals of dense games of 20 players covered 81 %."""
PATIENCE = 3
"""Sets that are tried on after the last one that was worth it."""


def sparse_shapley(
    design: PairedDesign, values: Float[np.ndarray, "coalitions outputs"]
) -> tuple[Float[np.ndarray, "players outputs"], Float[np.ndarray, "players outputs"]]:
    """Return the Shapley values of some games and their standard errors.

    For each output, sets of three players are added one by one, first the one that goes best with
    what is left (orthogonal matching pursuit), as far as the extended Bayesian criterion finds them
    worth it: the more sets could have been chosen, the more one must tell. The values are those of
    the sets, plus the regression of what they leave over, so that sets chosen wrongly do no harm
    but noise. Without sets it is the plain regression.

    Standard errors are those of the regression of what is left, widened by the freedom that the
    chosen sets have taken.

    Args:
        design: From `paired_regression`.
        values: Shape (coalitions, outputs), those of `design.masks`.

    Source: after OddSHAP (arXiv 2602.01399; paired coalitions see the odd part) and Witter 2025
        (regression-adjusted estimates); Chen & Chen 2008, eq. (3) with gamma 1, stops.
    """
    games = np.asarray(values, dtype=np.float64)
    phi = design.matrix @ games
    triples = _candidates(phi)
    # the pair of nobody and all is one too
    signs = np.where(design.masks[1::2], np.float32(1), np.float32(-1))
    odd = (games[1::2] - games[0::2]) / 2
    odd[1:] *= -1.0  # row 0 is nobody and row 1 all; later pairs begin with the drawn coalition
    signs[1:] *= -1.0
    told, added, widened = np.zeros_like(games), np.zeros_like(phi), np.ones(games.shape[1])
    free = max(1, len(signs) - signs.shape[1])
    most = len(signs) // PAIRS_PER_TERM - signs.shape[1]
    if len(triples) and most > 0:
        products = signs[:, triples[:, 0]] * signs[:, triples[:, 1]] * signs[:, triples[:, 2]]
        for output in range(games.shape[1]):
            chosen, weights = _pursued(signs, products, odd[:, output], most)
            for triple, weight in zip(triples[chosen], weights, strict=True):
                members = np.where(design.masks[:, triple], 1.0, -1.0)
                told[:, output] += weight * members.prod(axis=1)
                # from nobody to all it goes from -1 to 1, and the three share that evenly
                added[triple, output] += 2.0 * weight / 3.0
            left = max(free - FREEDOM_PER_SET * len(chosen), free / 10)
            widened[output] = math.sqrt(free / left)
    rest = games - told
    return added + design.matrix @ rest, widened * paired_standard_errors(design, rest)


def _candidates(phi: Float[np.ndarray, "players outputs"]) -> Int[np.ndarray, "triples 3"]:
    order = np.argsort(-np.abs(phi).max(axis=1), kind="stable")
    players = np.sort(order[:MOST_CANDIDATES]).tolist()
    found = list(itertools.combinations(players, 3))
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def _pursued(
    signs: Float[np.ndarray, "pairs players"],
    products: Float[np.ndarray, "pairs triples"],
    target: Float[np.ndarray, " pairs"],
    most: int,
) -> tuple[list[int], Float[np.ndarray, " chosen"]]:
    """Return the sets that are worth it, and their weights beside those of single players."""
    n_pairs, n_triples = products.shape
    base, _ = np.linalg.qr(signs.astype(np.float64))
    rest = target - base @ (base.T @ target)
    squares = float(rest @ rest)
    floor = 1e-20 * float(target @ target)
    # what is left of each product's square once single players are taken out
    sizes = n_pairs - ((base.T.astype(np.float32) @ products) ** 2).sum(axis=0, dtype=np.float64)
    price = math.log(n_pairs) + 2.0 * math.log(n_triples)
    chosen: list[int] = []
    worth, gained, kept = 0.0, 0.0, 0
    while len(chosen) < most and squares > floor and len(chosen) - kept < PATIENCE:
        scores = (rest.astype(np.float32) @ products).astype(np.float64) ** 2
        scores = np.where(sizes > 1e-3 * n_pairs, scores / np.maximum(sizes, 1e-9), 0.0)
        scores[chosen] = 0.0
        best = int(scores.argmax())
        column = products[:, best].astype(np.float64)
        column -= base @ (base.T @ column)
        column -= base @ (base.T @ column)  # once more: rounding
        size = float(np.linalg.norm(column))
        if scores[best] <= 0 or size < 1e-6:
            break
        direction = column / size
        step = float(direction @ rest)
        rest = rest - step * direction
        base = np.column_stack((base, direction))
        sizes -= (direction.astype(np.float32) @ products).astype(np.float64) ** 2
        before, squares = squares, float(rest @ rest)
        chosen.append(best)
        # what is left to fit with, and not all pairs: else the last sets fit noise ever better
        left = n_pairs - signs.shape[1] - len(chosen)
        gained += left * math.log(before / max(squares, floor, 1e-300)) - price
        if gained > worth:
            worth, kept = gained, len(chosen)
    chosen = chosen[:kept]
    columns = np.concatenate((signs, products[:, chosen]), axis=1).astype(np.float64)
    weights = np.linalg.lstsq(columns, target, rcond=None)[0]
    return chosen, weights[signs.shape[1] :]
