"""Soft maxima and distances between distributions."""

import numpy as np
from jaxtyping import Float


def soft_maximum(
    values: Float[np.ndarray, "*axes actions"],
    temperature: float,
    reference: Float[np.ndarray, "*axes actions"],
) -> Float[np.ndarray, "*axes"]:
    """Return `temperature * log sum_a reference(a) * exp(values(a) / temperature)`.

    The largest expected value minus `temperature` times the divergence from the reference. With a
    uniform reference it is the entropy-regularised maximum less `temperature * log n_actions`.

    Args:
        values: Last axis actions.
        temperature: Above 0, in units of the values.
        reference: Probabilities, zero where an action is not allowed.
    """
    # SciPy's logsumexp does the same at ten times the cost for the few actions of a state
    best = np.where(reference > 0, values, -np.inf).max(axis=-1, keepdims=True)
    weights = reference * np.exp(np.minimum(0.0, (values - best) / temperature))
    return np.asarray(best[..., 0] + temperature * np.log(weights.sum(axis=-1)))


def soft_choice(
    values: Float[np.ndarray, "*axes actions"],
    temperature: float,
    reference: Float[np.ndarray, "*axes actions"],
) -> Float[np.ndarray, "*axes actions"]:
    """Return the distribution proportional to `reference * exp(values / temperature)`."""
    best = np.where(reference > 0, values, -np.inf).max(axis=-1, keepdims=True)
    shifted = reference * np.exp(np.minimum(0.0, (values - best) / temperature))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def total_variation(
    first: Float[np.ndarray, "*axes outcomes"], second: Float[np.ndarray, "*axes outcomes"]
) -> Float[np.ndarray, "*axes"]:
    """Return half the absolute difference of two distributions, from 0 to 1.

    Example:
        >>> float(total_variation(np.array([1.0, 0.0]), np.array([0.5, 0.5])))
        0.5
    """
    return np.asarray(0.5 * np.abs(first - second).sum(axis=-1))
