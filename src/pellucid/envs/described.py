"""Names for inputs that have a place instead: pixels of images, and parts of composite spaces."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces

from pellucid.envs.names import Names
from pellucid.envs.rows import RowSpace

_COLOURS = ("red", "green", "blue")


def described(names: Names, observation_space: Any, action_space: Any) -> Names:
    """Return names in which inputs and actions that have none are called by their place.

    Args:
        names: As `resolve_names` returned them.
        observation_space: Of the environment.
        action_space: Of the environment.
    """
    found = names
    if _unnamed(names.inputs):
        inputs = names_of_inputs(observation_space)
        found = found if inputs is None else replace(found, inputs=inputs)
    if _unnamed(names.actions) and isinstance(action_space, RowSpace):
        found = replace(found, actions=action_space.input_names)
    if _unnamed(found.inputs) or _unnamed(found.actions) or names.source != "none":
        return found
    return replace(found, source="environment")


def names_of_inputs(space: Any) -> tuple[str, ...] | None:
    """Return a name for every input of a space that tells its place; None if it tells nothing."""
    if isinstance(space, RowSpace):
        return tuple(itertools.chain.from_iterable(map(_names_of_part, space.parts)))
    return tuple(_pixels(space.shape)) if is_image(space) else None


def is_image(space: Any) -> bool:
    """Whether a space is one of images: bytes in two dimensions, or three with channels."""
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8:
        return False
    if len(space.shape) == 2:
        return min(space.shape) > 1
    return len(space.shape) == 3 and 0 not in space.shape


def channel_axis(shape: tuple[int, ...]) -> int:
    """Return the axis of an image's channels: the first or the last, the shorter of them.

    Example:
        >>> channel_axis((3, 36, 36)), channel_axis((36, 36, 3))
        (0, 2)
    """
    return 0 if shape[0] < shape[2] else 2


def _names_of_part(part: Any) -> Iterator[str]:
    if is_image(part.space):
        return (f"{part.name} {pixel}".strip() for pixel in _pixels(part.space.shape))
    return iter(part.input_names)


def _pixels(shape: tuple[int, ...]) -> Iterator[str]:
    if len(shape) == 2:
        for row, column in np.ndindex(*shape):
            yield f"row {row}, column {column}"
        return
    axis = channel_axis(shape)
    n_channels = shape[axis]
    for place in np.ndindex(*shape):
        channel = place[axis]
        row, column = (index for position, index in enumerate(place) if position != axis)
        colour = _COLOURS[channel] if n_channels == len(_COLOURS) else f"channel {channel}"
        yield f"row {row}, column {column}, {colour}"


def _unnamed(texts: tuple[str, ...]) -> bool:
    # as `resolve_names` calls what has no name
    return bool(texts) and all(text.endswith("(unnamed)") for text in texts)
