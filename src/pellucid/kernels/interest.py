"""What makes a moment of an episode stand out: scales, outliers and what they are outliers of."""

import numpy as np
from jaxtyping import Float

FENCE = 1.5
"""Interquartile ranges beyond a quartile from which on a value is an outlier (Tukey 1977)."""
ROUNDING = 1e-9
"""Differences, as a share of the largest value, that are rounding and no difference."""

_ROUNDS = 30


def scaled(values: Float[np.ndarray, " steps"]) -> Float[np.ndarray, " steps"]:
    """Return values from -1 (the least) to 1 (the largest); all 0 if they are alike.

    NaN stays NaN.

    Example:
        >>> scaled(np.array([2.0, 3.0, 6.0])).tolist()
        [-1.0, -0.5, 1.0]
    """
    low, high = np.nanmin(values), np.nanmax(values)
    if high - low <= ROUNDING * max(abs(low), abs(high)):
        return np.asarray(np.where(np.isnan(values), np.nan, 0.0))
    return np.asarray(2 * (values - low) / (high - low) - 1)


def evenness(probabilities: Float[np.ndarray, "rows outcomes"]) -> Float[np.ndarray, " rows"]:
    """Return the entropy of each row over the largest possible one: 0 if one outcome is certain.

    Args:
        probabilities: Rows sum to one; NaN marks outcomes that are not possible.

    Source: Pielou 1966.

    Example:
        >>> evenness(np.array([[0.5, 0.5, np.nan], [1.0, 0.0, 0.0]])).tolist()
        [1.0, 0.0]
    """
    known = np.nan_to_num(probabilities)
    logs = np.log(known, where=known > 0, out=np.zeros_like(known))
    entropy = -(known * logs).sum(axis=1)
    possible = np.isfinite(probabilities).sum(axis=1)
    most = np.log(np.maximum(possible, 2))
    return np.abs(np.where(possible > 1, entropy / most, 0.0))


def conduciveness(values: Float[np.ndarray, " steps"]) -> Float[np.ndarray, " steps"]:
    """Return the sine of the slope of predicted returns: 1 where they rise steeply, -1 where fall.

    Args:
        values: Shape (steps,), of one episode, on a scale from 0 to 100.

    Returns:
        By backward differences; NaN at the first step, before which nothing was predicted.

    Source: Sequeira 2023, goal conduciveness: sin(arctan(dV/dt)).

    Example:
        >>> conduciveness(np.array([0.0, 3.0, 3.0])).round(3).tolist()
        [nan, 0.949, 0.0]
    """
    slopes = np.diff(values, prepend=np.nan)
    return np.asarray(slopes / np.sqrt(1 + slopes**2))


def incongruity(
    values: Float[np.ndarray, " steps"],
    rewards: Float[np.ndarray, " steps"],
    next_values: Float[np.ndarray, " steps"],
) -> Float[np.ndarray, " steps"]:
    """Return how much better each step went than was predicted, as a share of the range of values.

    The agent's discount and its unit of reward are rarely known, so they are fitted: the residuals
    of `V_t = c r_t + discount * V_(t+1)`, negated. By least absolute deviations, since least
    squares bend the fit towards the few steps that are looked for.

    Args:
        values: Shape (steps,), what was predicted to follow.
        rewards: Shape (steps,).
        next_values: Shape (steps,), what was predicted after the step, 0 after the end; NaN if it
            is not known.

    Source: Sequeira 2023, incongruity (a temporal-difference error); the fit is ours.
    """
    known = np.isfinite(next_values)
    columns = np.column_stack((rewards, np.where(known, next_values, 0.0)))
    fit = _least_deviations(columns[known], values[known])
    error = np.where(known, columns @ fit - values, np.nan)
    size = float(np.abs(values).max())
    spread = float(np.ptp(values)) if np.ptp(values) > ROUNDING * size else size
    share = error / spread if spread > 0 else error
    return np.asarray(np.where(np.abs(share) <= ROUNDING, 0.0, share))


def _least_deviations(
    columns: Float[np.ndarray, "rows columns"], targets: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " columns"]:
    """Return weights with a small sum of absolute errors, by reweighted least squares."""
    floor = ROUNDING * float(np.abs(targets).max(initial=0.0))
    weights = np.ones(len(targets))
    fit: Float[np.ndarray, " columns"] = np.zeros(columns.shape[1])
    if floor == 0:
        return fit
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)
        fit = np.linalg.lstsq(columns * root[:, None], targets * root, rcond=None)[0]
        weights = 1.0 / np.maximum(np.abs(columns @ fit - targets), floor)
        weights /= weights.max()
    return fit


def standing_out(values: Float[np.ndarray, " steps"]) -> Float[np.ndarray, " steps"]:
    """Return how far outliers are from the median, in interquartile ranges; 0 for all others.

    Negative below the median. Where three quarters are alike, the unit is the standard deviation.

    Args:
        values: Shape (steps,); NaN is never an outlier.

    Source: Tukey 1977 (fences at 1.5 interquartile ranges).

    Example:
        >>> standing_out(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 22.0])).round(2).tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0, 7.8]
    """
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values))
    low, middle, high = np.percentile(values[known], (25, 50, 75))
    size = ROUNDING * float(np.abs(values[known]).max())
    beyond = (values < low - FENCE * (high - low) - size) | (
        values > high + FENCE * (high - low) + size
    )
    unit = high - low if high - low > size else float(values[known].std()) or 1.0
    return np.where(known & beyond, (np.nan_to_num(values) - middle) / unit, 0.0)
