"""Steps in what a layer holds: along what a probe reads, and in directions by lot as long."""

import numpy as np
from jaxtyping import Bool, Float


def concept_step(
    slopes: Float[np.ndarray, " units"],
    held: Float[np.ndarray, "rows units"],
    labels: Bool[np.ndarray, " rows"],
) -> Float[np.ndarray, " units"]:
    """Return the step along a probe from rows without its concept to those with it.

    The direction is that of the probe, `u = w / |w|`; the length is the spread of the concept along
    it, `mean(u·h | true) - mean(u·h | false)`: one step moves a typical row without the concept to
    where rows with it lie.

    Args:
        slopes: Shape (units,), of the probe.
        held: Shape (rows, units), activations.
        labels: Shape (rows,), where the concept is true.

    Returns:
        Zeros if the probe has no slope, or the concept is true everywhere or nowhere.

    Source: Alain 2017, section 3 (the probe); Turner 2023 (adding a direction to activations).

    Example:
        >>> held = np.array([[1.0, 0.0], [3.0, 0.0]])
        >>> concept_step(np.array([5.0, 0.0]), held, np.array([False, True])).tolist()
        [2.0, 0.0]
    """
    norm = float(np.linalg.norm(slopes))
    if norm == 0 or labels.all() or not labels.any():
        return np.zeros(len(slopes))
    unit = slopes / norm
    along = held @ unit
    return np.asarray(unit * (along[labels].mean() - along[~labels].mean()))


def random_steps(
    step: Float[np.ndarray, " units"], n_steps: int, rng: np.random.Generator
) -> Float[np.ndarray, "steps units"]:
    """Return steps in random directions, all as long as a given one.

    Example:
        >>> found = random_steps(np.array([3.0, 4.0]), 2, np.random.default_rng(0))
        >>> np.linalg.norm(found, axis=1).round(9).tolist()
        [5.0, 5.0]
    """
    return as_long_as(step, rng.standard_normal((n_steps, len(step))))


def as_long_as(
    step: Float[np.ndarray, " units"], others: Float[np.ndarray, "steps units"]
) -> Float[np.ndarray, "steps units"]:
    """Return other steps at the length of a given one; those of no length stay as they are."""
    norms = np.linalg.norm(others, axis=1, keepdims=True)
    return np.asarray(others * np.linalg.norm(step) / np.where(norms > 0, norms, 1.0))
