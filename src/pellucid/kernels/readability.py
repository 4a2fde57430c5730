"""How well a linear probe reads a concept in rows that it was not fitted to."""

import numpy as np
from jaxtyping import Bool, Float

from pellucid.kernels.probes import fit_probe


def readability(
    held: Float[np.ndarray, "rows units"],
    labels: Bool[np.ndarray, " rows"],
    first: Bool[np.ndarray, " rows"],
) -> float:
    """Return how much oftener a probe is right than the commoner label, in the other half.

    Each half is read by a probe of the other one; the mean over both.

    Args:
        held: Shape (rows, units), activations.
        labels: Shape (rows,).
        first: Shape (rows,), which rows are the first half; rows that belong together, such as
            those of one episode, should be in the same one.

    Returns:
        At most one half; 0 where all rows are in one half.

    Example:
        >>> rows = np.linspace(-1.0, 1.0, 100)[:, None]
        >>> round(readability(rows, rows[:, 0] > 0, np.arange(100) % 2 == 0), 2)
        0.49
    """
    right = []
    for fitted in (first, ~first):
        if fitted.any() and not fitted.all():
            probe = fit_probe(held[fitted], labels[fitted])
            right.append(((probe.probabilities(held[~fitted]) > 0.5) == labels[~fitted]).mean())
    if not right:
        return 0.0
    return float(np.mean(right) - max(labels.mean(), 1 - labels.mean()))
