"""Names for inputs that have a place instead: pixels of images, and parts of composite spaces."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import Int

from pellucid.envs.names import Names
from pellucid.envs.rows import ONE_ARRAY, Part, RowSpace

_COLOURS = ("red", "green", "blue")
PATCHES = 8
"""Patches of an image in a part of a row, along one side at most."""
MOST_SINGLE = 512
"""Numbers of a row up to which each is by itself, if no part is an image or of any size."""
MOST_OF_PART = 32
"""Numbers of one part up to which each is by itself in a row that has groups."""


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


def groups_of_rows(space: Any) -> dict[str, list[int]]:
    """Return which columns of a row are hidden together, by name; empty if each is by itself.

    Args:
        space: Of observations; only a row has groups here.
    """
    if not isinstance(space, RowSpace):
        return {}
    plain = all(isinstance(p.space, ONE_ARRAY) and not is_image(p.space) for p in space.parts)
    if plain and len(space.input_names) <= MOST_SINGLE:
        return {}
    groups: dict[str, list[int]] = {}
    for part in space.parts:
        columns = np.arange(part.columns.start, part.columns.stop)
        names = list(_names_of_part(part))
        if is_image(part.space):
            groups |= _patches(part, columns)
        elif isinstance(part.space, ONE_ARRAY) and len(columns) <= MOST_OF_PART:
            groups |= {name: [int(c)] for name, c in zip(names, columns, strict=True)}
        elif len(columns):
            groups[part.name] = columns.tolist()
    return groups


def _patches(part: Part, columns: Int[np.ndarray, " columns"]) -> dict[str, list[int]]:
    shape = part.space.shape
    image = columns.reshape(shape)
    if len(shape) == 3 and channel_axis(shape) == 0:
        image = image.transpose(1, 2, 0)
    sides = [-(-size // min(PATCHES, size)) for size in image.shape[:2]]
    found = {}
    for top in range(0, image.shape[0], sides[0]):
        for left in range(0, image.shape[1], sides[1]):
            patch = image[top : top + sides[0], left : left + sides[1]]
            rows = f"rows {top} to {top + patch.shape[0] - 1}"
            place = f"{rows}, columns {left} to {left + patch.shape[1] - 1}"
            found[f"{part.name} {place}".strip()] = patch.reshape(-1).tolist()
    return found


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
