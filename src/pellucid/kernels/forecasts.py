"""Forecasts as intervals: making them cover as often as they say, and scoring them."""

import math

import numpy as np
from jaxtyping import Float


def conformal_offset(
    lows: Float[np.ndarray, " rows"],
    highs: Float[np.ndarray, " rows"],
    happened: Float[np.ndarray, " rows"],
    coverage: float,
) -> float:
    """Return by how much intervals must be widened to cover new rows as often as they say.

    Negative where they are wider than need be. NaN where fewer rows are known than that would
    take.

    Args:
        lows: Shape (rows,), lower ends, of rows that the forecaster did not learn from.
        highs: Shape (rows,), upper ends.
        happened: Shape (rows,), what happened; NaN rows are left out.
        coverage: Share of new rows to be covered.

    Source: Romano 2019 (conformalised quantile regression), equations 6 to 8.

    Example:
        >>> lows, highs = np.zeros(4), np.ones(4)
        >>> conformal_offset(lows, highs, np.array([0.5, 1.5, 3.0, 0.8]), 0.8)
        2.0
    """
    known = np.isfinite(happened)
    missed = np.maximum(lows - happened, happened - highs)[known]
    rank = math.ceil((len(missed) + 1) * coverage)
    if rank > len(missed):
        return math.nan
    return float(np.sort(missed)[rank - 1])


def interval_score(
    lows: Float[np.ndarray, "..."],
    highs: Float[np.ndarray, "..."],
    happened: Float[np.ndarray, "..."],
    coverage: float,
) -> Float[np.ndarray, "..."]:
    """Return the width of each interval, and what it missed by, weighted; less is better.

    Nothing but the true quantiles makes it smallest on average.

    Args:
        lows: Lower ends of central intervals.
        highs: Upper ends.
        happened: What happened.
        coverage: What share the intervals should cover.

    Source: Gneiting 2007, equation 43.

    Example:
        >>> interval_score(np.array([0.0]), np.array([1.0]), np.array([1.5]), 0.8).tolist()
        [6.0]
    """
    missed = np.maximum(lows - happened, 0.0) + np.maximum(happened - highs, 0.0)
    return np.asarray(highs - lows + 2.0 / (1.0 - coverage) * missed)
