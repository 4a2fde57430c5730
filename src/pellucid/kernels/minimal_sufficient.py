"""Minimal sufficient explanations: the fewest reasons that decide between two choices."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class MinimalSufficient(NamedTuple):
    """The fewest components that decide for a choice, and the fewest against that make each needed.

    Args:
        reasons: Components that speak for the choice, largest first; together they outweigh all
            that speaks against it. Empty if nothing does: the choice is not the better one.
        counter_reasons: Components against it, largest first; without any one of `reasons` they
            alone would outweigh the rest of them.
    """

    reasons: Int[np.ndarray, " reasons"]
    counter_reasons: Int[np.ndarray, " counter_reasons"]


def minimal_sufficient(differences: Float[np.ndarray, " components"]) -> MinimalSufficient:
    """Return MSX+ and MSX- of one choice over another.

    Among sets of a size the sum is largest for the largest components, so that both sets are
    beginnings of the sorted components and no subset has to be searched.

    Args:
        differences: Shape (components,), by how much each component is larger for the choice.

    Source: Juozapaitis 2019, section 4 (definitions of MSX+ and MSX-).

    Example:
        >>> found = minimal_sufficient(np.array([5.0, -3.0, 1.0, 2.5]))
        >>> found.reasons.tolist(), found.counter_reasons.tolist()
        ([0], [1])
    """
    order = np.argsort(-differences, kind="stable")
    against = -float(differences[differences < 0].sum())
    positive = order[differences[order] > 0]
    reasons = _shortest(positive, differences[positive], against)
    if reasons is None:
        nothing = np.empty(0, dtype=np.int64)
        return MinimalSufficient(nothing, nothing)
    rest = float(differences[reasons].sum() - differences[reasons].min())
    negative = order[::-1][differences[order[::-1]] < 0]
    counter = _shortest(negative, -differences[negative], rest)
    # with nothing against it no component of it is needed more than another
    return MinimalSufficient(reasons, negative if counter is None else counter)


def _shortest(
    members: Int[np.ndarray, " members"], sizes: Float[np.ndarray, " members"], limit: float
) -> Int[np.ndarray, " members"] | None:
    """Return the shortest beginning whose sizes add up to more than a limit, None if none does."""
    enough = np.flatnonzero(np.cumsum(sizes) > limit)
    return members[: enough[0] + 1] if len(enough) else None
