"""Bounds on the chance that one of several sample means is the largest.

Arms are independent; each mean is over `n_samples` draws. Functions return a lower and an upper
bound per arm, shape (cases, arms): `lower` for being larger than all others, `upper` for being at
least as large, so that they hold however ties are broken. Every bound cuts an arm's own
distribution into pieces of equal chance and compares the others with the ends of each piece.

Source: Laidlaw 2023, appendix C.
"""

import math
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from pellucid.kernels.compiled import compiled

N_PIECES = 100
"""Pieces of one arm's distribution."""
STRICT = 1e-8
"""How far below a mean that cannot vary another one must be to count as smaller."""
NEGLIGIBLE = 1e-9
"""Chance below which a bound is not made any smaller."""
ROUNDING = 1e-12
"""Relative difference below which two means count as equal."""

Arms: TypeAlias = "Float[np.ndarray, 'cases arms']"
Bounds: TypeAlias = "tuple[Float[np.ndarray, 'cases arms'], Float[np.ndarray, 'cases arms']]"


def berry_esseen_bounds(means: Arms, variances: Arms, thirds: Arms, n_samples: float) -> Bounds:
    """Return bounds from the normal approximation and its largest error.

    Args:
        means: Of one draw.
        variances: Likewise.
        thirds: Third absolute central moments of one draw.
        n_samples: Draws per arm.

    Source: Shevtsova 2011 for the two constants.
    """
    deviations = np.sqrt(variances / n_samples)
    cubes = variances**1.5
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.minimum(
            0.33554 * (thirds + 0.415 * cubes), 0.3328 * (thirds + 0.429 * cubes)
        ) / (cubes * math.sqrt(n_samples))
    # a draw that cannot vary has no error
    errors = np.where(variances > 0, errors, 0.0)[..., None]
    levels = np.arange(N_PIECES + 1) / N_PIECES
    high = _normal_quantiles(means, deviations, np.minimum(1.0, levels[1:] + errors))
    low = _normal_quantiles(means, deviations, np.maximum(0.0, levels[:-1] - errors))
    lower, upper = np.empty_like(means), np.empty_like(means)
    _compare_normal(means, deviations, errors[..., 0], low, high, lower, upper)
    return lower, upper


def bernstein_bounds(means: Arms, variances: Arms, ranges: Arms, n_samples: float) -> Bounds:
    """Return bounds from Bernstein's inequality.

    Args:
        means: Of one draw.
        variances: At least those of one draw.
        ranges: Largest minus smallest value of a draw.
        n_samples: Draws per arm.
    """
    lower, upper = np.empty_like(means), np.empty_like(means)
    _compare_bernstein(means, variances, ranges, n_samples, lower, upper)
    return lower, upper


def bennett_bounds(means: Arms, variances: Arms, ranges: Arms, n_samples: float) -> Bounds:
    """Return bounds from one threshold, halfway between the two largest means.

    An arm that is not among the best must exceed it, or all the best must fall below it. Cheap for
    many arms.

    Args:
        means: Of one draw.
        variances: At least those of one draw; this is `(mean - least) * (most - mean)` for all
            arms, where the authors' code takes a larger bound for the best ones.
        ranges: Largest minus smallest value of a draw.
        n_samples: Draws per arm.
    """
    top = means.max(axis=1, keepdims=True)
    best = means >= top - ROUNDING * np.abs(means).max(axis=1, keepdims=True)
    second = np.where(best, -np.inf, means).max(axis=1, keepdims=True)
    # without a second mean nothing can be told: the threshold is at -infinity
    threshold = np.where(np.isfinite(second), (top + second) / 2, -np.inf)
    fall = _bennett_tail(means - threshold, variances, ranges, n_samples)
    all_fall = np.where(best, fall, 1.0).prod(axis=1, keepdims=True)
    rise = _bennett_tail(threshold - means, variances, ranges, n_samples)
    upper = np.where(best | ~np.isfinite(second), 1.0, 1 - (1 - rise) * (1 - all_fall))
    return np.zeros_like(means), upper


def most_probable(lower: Arms, upper: Arms, worths: Arms) -> Float[np.ndarray, " cases"]:
    """Return the largest mean worth of a distribution between bounds.

    The distributions between bounds form a fractional knapsack: start from the lower bounds and
    fill up in order of worth. The authors solve the same problem as a linear program.

    Args:
        lower: Bounds on the probability of each arm.
        upper: Likewise.
        worths: From 0 to 1, what each arm is worth.
    """
    order = np.argsort(-worths, axis=1, kind="stable")
    floor = np.take_along_axis(lower, order, axis=1)
    room = np.maximum(0.0, np.take_along_axis(upper, order, axis=1) - floor)
    gains = np.take_along_axis(worths, order, axis=1)
    left = np.maximum(0.0, 1 - floor.sum(axis=1, keepdims=True))
    poured = np.clip(left - (room.cumsum(axis=1) - room), 0.0, room)
    # bounds that leave no distribution, by rounding, count as the worst
    missing = np.maximum(0.0, left[:, 0] - poured.sum(axis=1))
    total = ((floor + poured) * gains).sum(axis=1) + missing * gains[:, 0]
    return np.asarray(np.minimum(total, gains[:, 0]))


# --- inside ---


def _bennett_tail(
    distances: Arms, variances: Arms, ranges: Arms, n_samples: float
) -> Float[np.ndarray, "cases arms"]:
    """Return a bound on the chance that a mean is off by a distance in one direction."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scaled = ranges * distances / variances
        growth = (1 + scaled) * np.log1p(scaled) - scaled
        bound = np.exp(-n_samples * variances / ranges**2 * growth)
    return np.where(distances <= 0, 1.0, np.where(variances > 0, bound, 0.0))


def _normal_quantiles(
    means: Arms, deviations: Arms, levels: Float[np.ndarray, "cases arms pieces"]
) -> Float[np.ndarray, "cases arms pieces"]:
    scores = ndtri(levels)
    with np.errstate(invalid="ignore"):  # 0 * infinity where nothing varies
        quantiles = means[..., None] + deviations[..., None] * scores
    return np.where(np.isinf(scores), scores, quantiles)


@compiled
def _compare_normal(
    means: np.ndarray,
    deviations: np.ndarray,
    errors: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    out_lower: np.ndarray,
    out_upper: np.ndarray,
) -> None:
    n_cases, n_arms, n_pieces = low.shape
    for case in range(n_cases):
        best = means[case].argmax()  # compared with first: it decides most
        for arm in range(n_arms):
            lower = upper = 0.0
            for piece in range(n_pieces):
                above = below = 1.0 / n_pieces
                for position in range(n_arms):
                    other = (best + position) % n_arms
                    if other == arm:
                        continue
                    if above == 0.0 and below < NEGLIGIBLE:
                        break  # a product only falls: what it is now is a bound too
                    mean, deviation = means[case, other], deviations[case, other]
                    error = errors[case, other]
                    at_high = _normal_cdf(high[case, arm, piece], mean, deviation)
                    below *= min(1.0, at_high + error)
                    if above > 0.0:
                        at_low = _normal_cdf(low[case, arm, piece] - STRICT, mean, deviation)
                        above *= max(0.0, at_low - error)
                lower += above
                upper += below
            out_lower[case, arm], out_upper[case, arm] = lower, min(1.0, upper)


@compiled
def _normal_cdf(value: float, mean: float, deviation: float) -> float:
    if deviation == 0.0:
        return 1.0 if value >= mean else 0.0
    return 0.5 * math.erfc((mean - value) / (deviation * math.sqrt(2.0)))


@compiled
def _compare_bernstein(
    means: np.ndarray,
    variances: np.ndarray,
    ranges: np.ndarray,
    n_samples: float,
    out_lower: np.ndarray,
    out_upper: np.ndarray,
) -> None:
    n_cases, n_arms = means.shape
    for case in range(n_cases):
        best = means[case].argmax()
        for arm in range(n_arms):
            mean, variance, width = means[case, arm], variances[case, arm], ranges[case, arm]
            lower = upper = 0.0
            for piece in range(N_PIECES):
                high = mean + _bernstein_distance(
                    (N_PIECES - 1 - piece) / N_PIECES, variance, width, n_samples
                )
                low = mean - _bernstein_distance(piece / N_PIECES, variance, width, n_samples)
                above = below = 1.0 / N_PIECES
                for position in range(n_arms):
                    other = (best + position) % n_arms
                    if other == arm:
                        continue
                    if above == 0.0 and below < NEGLIGIBLE:
                        break
                    centre = means[case, other]
                    spread, reach = variances[case, other], ranges[case, other]
                    below *= _bernstein_tail(centre - high, spread, reach, n_samples)
                    if above > 0.0:
                        above *= 1.0 - _bernstein_tail(low - centre, spread, reach, n_samples)
                lower += above
                upper += below
            out_lower[case, arm], out_upper[case, arm] = lower, min(1.0, upper)


@compiled
def _bernstein_tail(distance: float, variance: float, width: float, n_samples: float) -> float:
    if distance <= 0.0:
        return 1.0
    scale = variance + width * distance / 3.0
    if distance == np.inf or scale == 0.0:
        return 0.0
    return math.exp(-distance * distance * n_samples / 2.0 / scale)


@compiled
def _bernstein_distance(chance: float, variance: float, width: float, n_samples: float) -> float:
    if width == 0.0 or variance == 0.0:
        return 0.0
    if chance == 0.0:
        return np.inf
    surprise = -math.log(chance) / n_samples
    return (
        width * surprise + math.sqrt(18.0 * variance * surprise + (width * surprise) ** 2)
    ) / 3.0
