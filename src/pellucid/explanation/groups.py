"""Groups of inputs: what is hidden and credited together, such as the patches of an image.

An image has tens of thousands of inputs, of which none matters alone. Explainers and tests treat
a group as they treat a single input of a vector: its inputs are hidden together, by values of one
visited state, and it gets one value.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.errors import InputError
from pellucid.types import Observations

LocateFn: TypeAlias = Callable[[Observations], Int[np.ndarray, "batch *observation"]]
"""Finds the groups anew in each observation: the number of its group for each input."""

MAX_GRID = 8
"""Patches of an image along one side, unless another grid is asked for."""
LEAST_SIDE = 8
"""Rows and columns from which an array counts as an image."""
MAX_CHANNELS = 32
_NUMBERS_AT_ONCE = 2**22


class ImageLayout(NamedTuple):
    """Where rows and columns of an image are in the shape of an observation.

    Args:
        rows: Axis of the rows.
        columns: Axis of the columns.
        channels: Axis of the colours, planes or stacked frames; None if there is none.
    """

    rows: int
    columns: int
    channels: int | None


@dataclass(frozen=True, eq=False)
class InputGroups:
    """A partition of the inputs of an observation into groups with names.

    Args:
        names: One per group.
        labels: Shape (inputs,), the group of each input of the flattened observation; None if
            groups are found anew in each observation.
        locate: Finds them; None if `labels` are fixed. Numbers from 0; what is negative, or too
            large, belongs to the last group.
        is_grid: Whether they are patches of a grid on an image.
    """

    names: tuple[str, ...]
    labels: Int[np.ndarray, " inputs"] | None = None
    locate: LocateFn | None = None
    is_grid: bool = False

    def __len__(self) -> int:
        return len(self.names)

    @property
    def are_inputs(self) -> bool:
        """Whether each group is one input, in order."""
        return self.labels is not None and np.array_equal(self.labels, np.arange(len(self)))

    @property
    def stored(self) -> Int[np.ndarray, " inputs"]:
        """The fixed labels as an explanation stores them: none if each group is one input."""
        if self.labels is None or self.are_inputs:
            return np.empty(0, dtype=np.int64)
        return self.labels

    def of(self, observations: Observations) -> Int[np.ndarray, "batch inputs"]:
        """Return the group of each input in each observation.

        Raises:
            InputError: The function that finds them returned something else.
        """
        shape = (len(observations), math.prod(observations.shape[1:]))
        if self.labels is not None:
            return np.broadcast_to(self.labels, shape)
        assert self.locate is not None
        found = np.asarray(self.locate(observations))
        if found.dtype.kind not in "iu" or found.shape[:1] != observations.shape[:1]:
            raise InputError(
                f"the function that finds groups returned {found.dtype} of shape {found.shape}; "
                f"expected whole numbers of shape {observations.shape}",
                hint="one group number per input, -1 for what belongs to none",
            )
        if found.shape != observations.shape:
            found = _over_channels(found, observations.shape)
        rows = found.reshape(shape).astype(np.int64)
        last = len(self) - 1
        return np.where((rows < 0) | (rows > last), last, rows)

    def hidden_inputs(
        self, hidden: Bool[np.ndarray, "batch groups"], observations: Observations
    ) -> Bool[np.ndarray, "batch inputs"]:
        """Return which inputs are hidden where groups are.

        Args:
            hidden: Shape (batch, groups).
            observations: Shape (batch, *observation), in which the groups are looked for.
        """
        if self.are_inputs:
            return hidden
        return np.take_along_axis(hidden, self.of(observations), axis=1)

    def donors(
        self, observations: Observations, behind: Shaped[np.ndarray, " inputs"] | None
    ) -> Observations:
        """Return observations from which hidden groups may be taken.

        Where groups are found anew in each observation, these are without their own objects, or
        hiding one would show another.

        Args:
            observations: Visited ones.
            behind: What `behind` returned; None leaves them as they came.
        """
        if behind is None:
            return observations
        objects = self.of(observations) != len(self) - 1
        rows = observations.reshape(len(observations), -1)
        return np.where(objects, behind, rows).reshape(observations.shape)

    def behind(self, visited: Observations) -> Shaped[np.ndarray, " inputs"] | None:
        """Return what is behind objects; None where groups are the same everywhere.

        That is the mean of each input over the states in which it belongs to the last group, or
        over all states, if it never does; rounded where inputs are whole numbers.
        """
        if self.labels is not None:
            return None
        rows = visited.reshape(len(visited), -1)
        totals, seen, every = np.zeros((3, rows.shape[1]))
        at_once = max(1, _NUMBERS_AT_ONCE // max(1, rows.shape[1]))
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once].astype(np.float64)
            last = self.of(visited[start : start + at_once]) == len(self) - 1
            totals += np.where(last, part, 0.0).sum(axis=0)
            seen += last.sum(axis=0)
            every += part.sum(axis=0)
        means = np.where(seen > 0, totals / np.maximum(seen, 1), every / max(1, len(rows)))
        rounded = np.rint(means) if rows.dtype.kind in "iu" else means
        return np.asarray(rounded.astype(rows.dtype))

    def means(self, observations: Observations) -> Float[np.ndarray, "batch groups"]:
        """Return the mean of the inputs of each group; NaN for a group that is not there."""
        rows = observations.reshape(len(observations), -1).astype(np.float64)
        if self.are_inputs:
            return rows
        return group_sums(rows, self.of(observations), len(self), mean=True)


def group_sums(
    rows: Float[np.ndarray, "batch inputs"],
    labels: Int[np.ndarray, "batch inputs"],
    n_groups: int,
    *,
    mean: bool = False,
) -> Float[np.ndarray, "batch groups"]:
    """Return the sum of each group in each row, or its mean (NaN for groups without inputs).

    Example:
        >>> group_sums(np.array([[1.0, 2.0, 4.0]]), np.array([[0, 1, 0]]), 2)
        array([[5., 2.]])
    """
    cells = (labels + n_groups * np.arange(len(rows))[:, None]).ravel()
    size = len(rows) * n_groups
    sums = np.asarray(np.bincount(cells, weights=rows.ravel(), minlength=size), dtype=np.float64)
    if mean:
        with np.errstate(invalid="ignore"):
            sums = sums / np.bincount(cells, minlength=size)
    return np.asarray(sums.reshape(len(rows), n_groups))


# --- kinds of groups ---


def single_inputs(names: Sequence[str]) -> InputGroups:
    """Return groups of one input each."""
    return InputGroups(tuple(names), np.arange(len(names)))


def blocks(n_inputs: int, n_blocks: int) -> InputGroups:
    """Return stretches of neighbouring inputs, as even as possible."""
    labels = np.arange(n_inputs) * n_blocks // n_inputs
    ends = np.searchsorted(labels, np.arange(n_blocks + 1))
    names = [f"inputs {a} to {b - 1}" for a, b in itertools.pairwise(ends)]
    return InputGroups(tuple(names), labels)


def named_groups(
    members: Sequence[tuple[str, Sequence[int]]], n_inputs: int, rest: str = "all other inputs"
) -> InputGroups:
    """Return groups by their members; inputs in none are one group at the end.

    Raises:
        InputError: An input is not there or in two groups, or a group is empty.
    """
    labels = np.full(n_inputs, -1, dtype=np.int64)
    for number, (name, positions) in enumerate(members):
        if not len(positions):
            raise InputError(f"the group {name!r} has no inputs")
        for position in positions:
            if not 0 <= position < n_inputs:
                raise InputError(
                    f"the group {name!r} names input {position}; there are {n_inputs}, from 0"
                )
            if labels[position] >= 0:
                raise InputError(f"input {position} is in two groups, the second is {name!r}")
            labels[position] = number
    names = [name for name, _ in members]
    if (labels < 0).any():
        labels[labels < 0] = len(names)
        names.append(rest)
    return InputGroups(tuple(names), labels)


def located_groups(
    locate: LocateFn, names: Sequence[str], rest: str = "everything else"
) -> InputGroups:
    """Return groups that a function finds in each observation, such as objects of a game."""
    return InputGroups((*names, rest), None, locate)


def box_labels(
    boxes: Float[np.ndarray, "batch objects 4"], height: int, width: int
) -> Int[np.ndarray, "batch height width"]:
    """Return the object of each pixel from bounding boxes, for a function that finds groups.

    Args:
        boxes: Shape (batch, objects, 4): top, left, bottom and right, the last two exclusive; NaN
            for an object that is not there. Where boxes overlap, the later object is in front.
        height: Rows of the image.
        width: Columns.

    Returns:
        Numbers of objects, -1 where there is none.

    Example:
        >>> box_labels(np.array([[[0, 1, 1, 3]]]), 2, 3).tolist()
        [[[-1, 0, 0], [-1, -1, -1]]]
    """
    rows, columns = np.arange(height)[:, None], np.arange(width)
    labels = np.full((len(boxes), height, width), -1, dtype=np.int64)
    for number in range(boxes.shape[1]):
        top, left, bottom, right = boxes[:, number].T[:, :, None, None]
        with np.errstate(invalid="ignore"):
            inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        labels[inside] = number
    return labels


# --- images ---


def image_layout(shape: Sequence[int]) -> ImageLayout | None:
    """Return where rows and columns are, None if an observation of that shape is no image.

    An image has two axes of at least eight, and a third one only if it is at the start or the end,
    and no longer than 32 and than the others.

    Example:
        >>> image_layout((84, 84, 4)), image_layout((4, 84, 84)).rows, image_layout((4, 16))
        (ImageLayout(rows=0, columns=1, channels=2), 1, None)
    """
    if len(shape) == 2 and min(shape) >= LEAST_SIDE:
        return ImageLayout(0, 1, None)
    if len(shape) != 3:
        return None
    # Gymnasium's images end with their channels, so that this one is tried first
    for layout in (ImageLayout(0, 1, 2), ImageLayout(1, 2, 0)):
        sides = shape[layout.rows], shape[layout.columns]
        channels = shape[layout.channels or 0]
        if min(sides) >= LEAST_SIDE and channels <= min(MAX_CHANNELS, *sides):
            return layout
    return None


def grid_patches(shape: Sequence[int], rows: int, columns: int) -> InputGroups:
    """Return the patches of an image, all channels of a pixel together.

    Args:
        shape: Of one observation, an image.
        rows: Patches along the rows; those at the end may be smaller.
        columns: Along the columns.

    Raises:
        InputError: It is no image, or smaller than the grid.
    """
    layout = image_layout(shape)
    if layout is None:
        raise InputError(f"observations of shape {tuple(shape)} are no images, and have no grid")
    height, width = shape[layout.rows], shape[layout.columns]
    if not (1 <= rows <= height and 1 <= columns <= width):
        raise InputError(f"a grid of {rows} x {columns} does not fit {height} x {width} pixels")
    vertical, horizontal = _cuts(height, rows), _cuts(width, columns)
    # a patch is as large as all others but the last ones, so there may be fewer than asked for
    cells = (len(horizontal) - 1) * _places(vertical)[:, None] + _places(horizontal)
    axes = [1] * len(shape)
    axes[layout.rows], axes[layout.columns] = height, width
    labels = np.broadcast_to(cells.reshape(axes), tuple(shape))
    names = tuple(
        f"the patch at rows {top} to {bottom - 1}, columns {left} to {right - 1}"
        for top, bottom in itertools.pairwise(vertical)
        for left, right in itertools.pairwise(horizontal)
    )
    return InputGroups(names, labels.reshape(-1).astype(np.int64), is_grid=True)


def usual_patches(shape: Sequence[int]) -> InputGroups:
    """Return patches of at most eight rows and columns; pixels alone if there are so few."""
    layout = image_layout(shape)
    assert layout is not None
    return grid_patches(
        shape, min(MAX_GRID, shape[layout.rows]), min(MAX_GRID, shape[layout.columns])
    )


def group_centres(
    labels: Int[np.ndarray, " inputs"], shape: Sequence[int], n_groups: int
) -> Float[np.ndarray, "groups 2"]:
    """Return the middle row and column of each group in an image."""
    layout = image_layout(shape)
    assert layout is not None
    places = np.indices(tuple(shape)).reshape(len(shape), -1)
    counts = np.bincount(labels, minlength=n_groups)
    sums = [
        np.bincount(labels, weights=places[axis], minlength=n_groups)
        for axis in (layout.rows, layout.columns)
    ]
    return np.stack(sums, axis=1) / counts[:, None]


def _cuts(length: int, n: int) -> list[int]:
    side = math.ceil(length / n)
    return [*range(0, length, side), length]


def _places(cuts: list[int]) -> Int[np.ndarray, " length"]:
    return np.searchsorted(cuts, np.arange(cuts[-1]), side="right").astype(np.int64) - 1


def _over_channels(found: Any, shape: tuple[int, ...]) -> Shaped[np.ndarray, "batch *observation"]:
    """Return labels of pixels as labels of every channel.

    Raises:
        InputError: They are labels of neither.
    """
    layout = image_layout(shape[1:])
    if layout is not None and layout.channels is not None:
        pixels = tuple(n for axis, n in enumerate(shape) if axis != layout.channels + 1)
        if found.shape == pixels:
            return np.broadcast_to(np.expand_dims(found, layout.channels + 1), shape)
    raise InputError(
        f"the function that finds groups returned the shape {found.shape}; expected {shape}, or "
        "without the axis of the channels"
    )
