"""The exploration bonus: how little the features of a pair were seen, direction by direction."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError


@dataclass(frozen=True, eq=False)
class Directions:
    """The directions of feature space at every step, the least seen first.

    Args:
        weights: Shape (steps, rank): eigenvalues of the covariance, ascending; how much of each
            direction was seen, plus the ridge.
        vectors: Shape (steps, rank, rank): column j is the unit vector of direction j, with its
            largest entry positive.
        ridge: What was added to every eigenvalue.
    """

    weights: Float[np.ndarray, "steps rank"]
    vectors: Float[np.ndarray, "steps rank rank"]
    ridge: float

    @property
    def times_seen(self) -> Float[np.ndarray, "steps rank"]:
        """How often each direction was seen, in units of full visits: `sum (phi . v)^2`."""
        return np.maximum(self.weights - self.ridge, 0.0)


def feature_covariance(
    features: Float[np.ndarray, "steps pairs rank"],
    visits: Float[np.ndarray, "steps pairs"],
    *,
    ridge: float = 1.0,
) -> Float[np.ndarray, "steps rank rank"]:
    """Return `ridge * I + sum over visits of phi phi^T`, per step.

    It is taken with the features as they are now for everything ever seen: features move whenever
    they are refitted, and a sum of old ones would measure nothing.

    Args:
        features: Of every pair.
        visits: How often each pair was seen.
        ridge: Weight of the identity, above 0.

    Raises:
        InputError: The ridge is not above 0.
    """
    if not ridge > 0:
        raise InputError(f"expected a ridge above 0, got {ridge}")
    weighted = features * visits[..., None]
    outer = features.transpose(0, 2, 1) @ weighted
    return np.asarray(outer + ridge * np.eye(features.shape[-1]))


def directions_of(
    covariance: Float[np.ndarray, "steps rank rank"], *, ridge: float = 1.0
) -> Directions:
    """Return the eigenvectors of every step's covariance, the least seen first."""
    weights, vectors = np.linalg.eigh(covariance)
    # eigenvectors have no sign of their own; fixing one makes equal inputs read equally
    largest = np.abs(vectors).argmax(axis=-2)[..., None, :]
    vectors = vectors * np.sign(np.take_along_axis(vectors, largest, axis=-2))
    return Directions(weights, vectors, ridge)


def bonus_parts(
    features: Float[np.ndarray, "steps pairs rank"], directions: Directions
) -> Float[np.ndarray, "steps pairs rank"]:
    """Return what each direction adds to the squared norm: `(phi . v_j)^2 / weight_j`.

    The parts of a pair sum to `phi^T Sigma^-1 phi`, exactly; the root of the sum, times its factor,
    is the bonus.
    """
    return np.asarray((features @ directions.vectors) ** 2 / directions.weights[:, None, :])


def elliptical_bonus(
    parts: Float[np.ndarray, "*axes rank"], *, factor: float, most: float
) -> Float[np.ndarray, "*axes"]:
    """Return `min(factor * sqrt(sum of parts), most)`.

    Args:
        parts: What each direction adds, from `bonus_parts`; set one to 0 to leave it out.
        factor: gamma, in units of reward.
        most: Upper end, twice the number of steps in the paper.

    Source: Qiu 2022; Jin 2020 (elliptical bonus).
    """
    return np.asarray(np.minimum(factor * np.sqrt(parts.sum(axis=-1)), most))
