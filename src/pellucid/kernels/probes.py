"""Linear probes of two-valued concepts, and the control tasks that tell what a probe can do alone.

A probe that reads a concept may have learned it itself. A control task has the same number of
labels, at random but fixed for each type of state: nothing but the probe can know them. What a
probe reads better than that is held by what it reads.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import cdist
from scipy.special import expit

from pellucid.kernels.softmax_regression import softmax_regression

PENALTY = 1e-2
"""Weight of the squared slopes of standardised activations: few states, many units."""


@dataclass(frozen=True)
class Probe:
    """A linear reading of one concept.

    Args:
        slopes: Shape (units,).
        constant: Above 0 the concept is read as true.
    """

    slopes: Float[np.ndarray, " units"]
    constant: float

    def probabilities(self, held: Float[np.ndarray, "rows units"]) -> Float[np.ndarray, " rows"]:
        """Return how sure the probe is that the concept is true."""
        return np.asarray(expit(held @ self.slopes + self.constant))


def fit_probe(held: Float[np.ndarray, "rows units"], labels: Bool[np.ndarray, " rows"]) -> Probe:
    """Return the probe of a concept by logistic regression.

    Args:
        held: Shape (rows, units), activations.
        labels: Shape (rows,); all alike gives a probe that always says so.

    Source: Alain 2017, section 3.
    """
    weights = np.ones(len(held))
    slopes, constants = softmax_regression(
        held, labels.astype(np.int64), weights, 2, penalty=PENALTY
    )
    return Probe(slopes[1] - slopes[0], float(constants[1] - constants[0]))


def state_types(
    inputs: Float[np.ndarray, "rows inputs"], anchors: Float[np.ndarray, "types inputs"]
) -> Int[np.ndarray, " rows"]:
    """Return the type of each state: the nearest of some anchors, in inputs of one scale."""
    return np.asarray(cdist(inputs, anchors).argmin(axis=1))


def control_labels(
    types: Int[np.ndarray, " rows"], rate: float, rng: np.random.Generator
) -> Bool[np.ndarray, " rows"]:
    """Return random labels, one per type of state, about as many of them true as of the concept.

    Types are labelled in random order until the states of those labelled true reach the rate.

    Args:
        types: Shape (rows,), from 0.
        rate: Share of rows that is wanted to be true, between 0 and 1.
        rng: Draws.

    Source: Hewitt 2019, section 2 (control tasks); there types are words.

    Example:
        >>> labels = control_labels(np.array([0, 0, 1, 2]), 0.5, np.random.default_rng(0))
        >>> bool(labels[0] == labels[1]), int(labels.sum())
        (True, 2)
    """
    counts = np.bincount(types)
    order = rng.permutation(len(counts))
    before = np.cumsum(counts[order]) - counts[order] / 2
    true = np.zeros(len(counts), dtype=bool)
    true[order] = before < rate * len(types)
    return np.asarray(true[types])
