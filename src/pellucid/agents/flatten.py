"""Observations as rows of inputs: the form in which explainers change and compare them."""

import math
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.errors import CapabilityError
from pellucid.types import Observations

_PLAIN = (
    gymnasium.spaces.Box,
    gymnasium.spaces.Discrete,
    gymnasium.spaces.MultiDiscrete,
    gymnasium.spaces.MultiBinary,
)


def flat(observations: Observations) -> Float[np.ndarray, "batch inputs"]:
    """Return observations as rows of 64-bit floats; a Discrete one is a single column.

    Args:
        observations: Shape (batch, *observation).

    Example:
        >>> flat(np.arange(4).reshape(1, 2, 2))
        array([[0., 1., 2., 3.]])
    """
    rows = np.asarray(observations)
    return rows.reshape(len(rows), math.prod(rows.shape[1:])).astype(np.float64)


def unflat(inputs: Float[np.ndarray, "batch inputs"], space: Any) -> Observations:
    """Return rows of inputs as observations of a space, in its shape and type.

    Values for integer spaces are rounded to the nearest and kept within the type's range.

    Args:
        inputs: Shape (batch, inputs), as `flat` returns them.
        space: A Box, Discrete, MultiDiscrete or MultiBinary space.

    Raises:
        CapabilityError: The space is of another type.
    """
    n_inputs(space)
    dtype = np.dtype(space.dtype)
    values: Any = inputs
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(inputs), limits.min, limits.max)
    return np.asarray(values.astype(dtype).reshape(len(inputs), *space.shape))


def n_inputs(space: Any) -> int:
    """Return the number of columns that `flat` gives for a space.

    Raises:
        CapabilityError: The space is not one array of numbers.
    """
    if not isinstance(space, _PLAIN):
        raise CapabilityError(
            f"observations of type {type(space).__name__} cannot be laid out as inputs",
            hint="flatten them with a wrapper, such as gymnasium.wrappers.FlattenObservation",
        )
    return math.prod(space.shape or ())
