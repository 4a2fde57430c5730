"""Means over states, with the interval that episodes allow."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pellucid.stats import mean_interval


class Mean(NamedTuple):
    """A mean with its interval; the ends are NaN where nothing tells them."""

    value: float
    low: float
    high: float


def mean_over_episodes(
    values: Float[np.ndarray, " states"], episodes: Int[np.ndarray, " states"]
) -> Mean:
    """Return the mean over states; its interval comes from episodes, the independent unit.

    Args:
        values: One per state; what is not finite is left out.
        episodes: Shape (states,), episode of each state; empty if unknown. With fewer than two
            episodes there is no interval.
    """
    scored = np.isfinite(values)
    if not scored.any():
        return Mean(math.nan, math.nan, math.nan)
    mean = float(values[scored].mean())
    if len(episodes) != len(values):
        return Mean(mean, math.nan, math.nan)
    values, episodes = values[scored], episodes[scored]
    estimate = mean_interval([values[episodes == e].mean() for e in np.unique(episodes)])
    # the dot is the mean over states; the width comes from episodes, whose mean differs a little
    shift = mean - estimate.value
    return Mean(mean, estimate.low + shift, estimate.high + shift)
