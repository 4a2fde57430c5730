"""The exact chance that one of several arms pays most often.

Source: Laidlaw 2023, appendix C; the sums are exact where the authors' code cuts them into pieces.
"""

import math
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from pellucid.kernels.compiled import compiled

N_PIECES = 100
"""Pieces of one arm's distribution in the published form."""
SMALLEST = 1e-25
"""Chance, relative to the likeliest number of successes, from which on the rest is left out."""

NEGLIGIBLE = 1e-15
"""Chance that is not looked at any closer: it counts for the upper bound."""

Arms: TypeAlias = "Float[np.ndarray, 'cases arms']"


def binomial_bounds(
    chances: Arms, n_samples: int, *, as_published: bool = False
) -> tuple[Arms, Arms]:
    """Return the chance of each arm to pay more often than all others, and at least as often.

    Arms pay 1 with a chance and else nothing.

    Args:
        chances: Of each arm.
        n_samples: Draws per arm, at most some millions.
        as_published: Cut into pieces, and leave out that no arm pays, as the authors' code does:
            the upper bounds then miss ties at nothing and can be too small.
    """
    lower, upper = np.empty_like(chances), np.empty_like(chances)
    scores = ndtri(np.arange(N_PIECES + 1) / N_PIECES)
    _compare_binomial(np.clip(chances, 0.0, 1.0), n_samples, scores, as_published, lower, upper)
    if as_published:
        # what is missing may belong to any arm
        missing = np.maximum(0.0, 1 - upper.sum(axis=1, keepdims=True))
        upper = np.minimum(1.0, upper + missing)
    return lower, upper


# --- inside ---


@compiled
def _compare_binomial(
    chances: np.ndarray,
    n_samples: int,
    scores: np.ndarray,
    as_published: bool,
    out_lower: np.ndarray,
    out_upper: np.ndarray,
) -> None:
    n_cases, n_arms = chances.shape
    widest = _width(0.5, n_samples)
    starts, widths = np.empty(n_arms, dtype=np.int64), np.empty(n_arms, dtype=np.int64)
    cumulative = np.empty((n_arms, widest))
    edges = np.empty(max(widest, len(scores)) + 1, dtype=np.int64)
    for case in range(n_cases):
        for arm in range(n_arms):
            chance = chances[case, arm]
            widths[arm] = _width(chance, n_samples)
            start = int(n_samples * chance) - widths[arm] // 2
            starts[arm] = max(0, min(start, n_samples + 1 - widths[arm]))
            widths[arm] = _fill_cumulative(
                chance, n_samples, starts[arm], cumulative[arm, : widths[arm]]
            )
        best = chances[case].argmax()  # compared with first: it decides most
        for arm in range(n_arms):
            if as_published:
                n_edges = _published_edges(chances[case, arm], n_samples, scores, edges)
            else:
                n_edges = widths[arm] + 1
                for position in range(n_edges):
                    edges[position] = starts[arm] + position - 1
            lower = upper = 0.0
            for position in range(1, n_edges):
                low, high = edges[position - 1], edges[position]
                before = _at(cumulative[arm, : widths[arm]], starts[arm], low)
                if 1.0 - before < NEGLIGIBLE:
                    upper += 1.0 - before
                    break
                piece = _at(cumulative[arm, : widths[arm]], starts[arm], high) - before
                if piece <= 0.0:
                    continue
                above = below = piece
                for turn in range(n_arms):
                    other = (best + turn) % n_arms
                    if other == arm:
                        continue
                    if below < NEGLIGIBLE:
                        above = 0.0  # products only fall: these are bounds too
                        break
                    own = cumulative[other, : widths[other]]
                    above *= _at(own, starts[other], low)
                    below *= _at(own, starts[other], high)
                lower += above
                upper += below
            out_lower[case, arm], out_upper[case, arm] = lower, min(1.0, upper)


@compiled
def _width(chance: float, n_samples: int) -> int:
    """Return how many numbers of successes hold all but 1e-20 of the chance."""
    deviation = math.sqrt(n_samples * chance * (1.0 - chance))
    return min(n_samples + 1, 2 * int(10.0 * deviation + 20.0) + 1)


@compiled
def _published_edges(chance: float, n_samples: int, scores: np.ndarray, edges: np.ndarray) -> int:
    mean, deviation = n_samples * chance, math.sqrt(n_samples * chance * (1.0 - chance))
    for position in range(len(scores)):
        # the outer scores are infinite
        shifted = mean + deviation * scores[position] if deviation > 0.0 else mean
        if position == 0:
            shifted = 0.0
        if position == len(scores) - 1:
            shifted = float(n_samples)
        edges[position] = math.floor(min(float(n_samples), max(0.0, shifted)))
    return len(scores)


@compiled
def _fill_cumulative(chance: float, n_samples: int, start: int, out: np.ndarray) -> int:
    """Write the chances of at most `start`, `start + 1`, … successes; return how many differ."""
    if chance <= 0.0 or chance >= 1.0:
        for position in range(len(out)):
            reached = chance <= 0.0 or start + position >= n_samples
            out[position] = 1.0 if reached else 0.0
        return len(out)
    # from the likeliest number outwards, relative to it: nothing underflows before it is negligible
    mode = min(n_samples, int((n_samples + 1) * chance))
    odds = chance / (1.0 - chance)
    out[mode - start] = 1.0
    used = mode - start + 1
    while used < len(out) and out[used - 1] > SMALLEST:
        ratio = (n_samples - start - used + 1) / (start + used) * odds
        out[used] = out[used - 1] * ratio
        used += 1
    for successes in range(mode - 1, start - 1, -1):
        ratio = (successes + 1) / (n_samples - successes) / odds
        # the smallest numbers of all slow everything down
        out[successes - start] = max(out[successes - start + 1] * ratio, SMALLEST)
    total = 0.0
    for position in range(used):
        total += out[position]
        out[position] = total
    for position in range(used):
        out[position] /= total
    return used


@compiled
def _at(cumulative: np.ndarray, start: int, successes: int) -> float:
    if successes < start:
        return 0.0
    return float(cumulative[min(successes - start, len(cumulative) - 1)])
