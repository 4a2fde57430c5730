"""Elements of any Gymnasium space as a fixed number of columns, and back without loss.

One codec per kind of space. A Box, MultiBinary or MultiDiscrete element is its values in C order, a
Discrete one its value; Dict and Tuple are their parts side by side, a Dict by key as Gymnasium
orders them. What has no fixed size has room for a stated number of items: Text has its length and
the number of each character, Sequence its length and items, Graph its numbers of nodes and edges,
nodes, edges and links. What is not used is zero.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from jaxtyping import Float

_EXACT_SINGLE, _EXACT_DOUBLE = 2**24, 2**53


class DoesNotFitError(ValueError):
    """An element has more items than a row has room for, or numbers that a row cannot hold."""


class Codec(Protocol):
    """How elements of one space are laid out."""

    @property
    def width(self) -> int:
        """Number of columns."""

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """Smallest and largest value of each column."""

    @property
    def single(self) -> bool:
        """Whether single precision holds every element exactly."""

    def write(self, value: Any) -> Float[np.ndarray, " columns"]:
        """Return an element's columns.

        Raises:
            DoesNotFitError: They cannot hold it.
        """

    def read(self, row: Float[np.ndarray, " columns"]) -> Any:
        """Return the element; where a column is between two, the nearest one."""

    def names(self, name: str) -> Iterator[str]:
        """Yield a name for each column, given that of the element."""


@dataclass(frozen=True)
class ArrayCodec:
    """Box, Discrete, MultiBinary and MultiDiscrete: elements that are one array."""

    space: Any

    @property
    def width(self) -> int:
        """Number of values."""
        return math.prod(self.space.shape or ())

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """The space's own bounds."""
        low, high = _ends(self.space)
        ends = (np.broadcast_to(end, self.space.shape or ()).reshape(-1) for end in (low, high))
        first, last = (np.asarray(end, dtype=np.float64) for end in ends)
        return first, last

    @property
    def single(self) -> bool:
        """By the type, or for integers by the bounds."""
        dtype = np.dtype(self.space.dtype)
        if dtype.kind == "f":
            return bool(dtype.itemsize <= 4)
        return bool(all((np.abs(end) <= _EXACT_SINGLE).all() for end in self.bounds))

    def write(self, value: Any) -> Float[np.ndarray, " columns"]:
        """Return the values in C order."""
        array = np.asarray(value)
        shape = tuple(self.space.shape or ())
        if array.shape != shape or array.dtype.kind not in "fiub":
            raise DoesNotFitError(
                f"expected an array of shape {shape} and type {self.space.dtype}, got "
                f"{array.shape} and {array.dtype}"
            )
        if not np.can_cast(array.dtype, self.space.dtype, "same_kind") and array.dtype.kind != "b":
            raise DoesNotFitError(f"expected type {self.space.dtype}, got {array.dtype}")
        columns = array.reshape(-1).astype(np.float64)
        large = array.dtype.kind in "iu" and array.dtype.itemsize == 8
        if large and (np.abs(columns) > _EXACT_DOUBLE).any():
            raise DoesNotFitError(f"it has whole numbers beyond {_EXACT_DOUBLE}")
        return columns

    def read(self, row: Float[np.ndarray, " columns"]) -> Any:
        """Return the values in the space's shape and type."""
        return self.read_many(np.asarray(row)[None])[0]

    def read_many(self, rows: Float[np.ndarray, "rows columns"]) -> Any:
        """Return the values of many rows, shape (rows, *shape)."""
        dtype = np.dtype(self.space.dtype)
        values: Any = rows
        if dtype.kind != "f":
            low, high = _ends(self.space)
            low, high = (
                np.broadcast_to(e, self.space.shape or ()).reshape(-1) for e in (low, high)
            )
            values = np.clip(np.rint(rows.astype(np.float64)), low, high)
        return values.astype(dtype).reshape(len(rows), *(self.space.shape or ()))

    def names(self, name: str) -> Iterator[str]:
        """Yield the name for a single value, else the name with the place of each value."""
        shape = tuple(self.space.shape or ())
        if not shape:
            yield name
            return
        for place in np.ndindex(*shape):
            yield f"{name}[{', '.join(map(str, place))}]"


@dataclass(frozen=True)
class TextCodec:
    """Text: its length, and the number of each character in the space's list of characters."""

    space: Any

    @property
    def width(self) -> int:
        """One more than the longest text has characters."""
        return 1 + int(self.space.max_length)

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """The length's bounds, and those of the numbers of characters."""
        low, high = np.zeros((2, self.width))
        low[0], high[0] = self.space.min_length, self.space.max_length
        high[1:] = max(0, len(self.space.character_list) - 1)
        return low, high

    @property
    def single(self) -> bool:
        """Always."""
        return True

    def write(self, value: Any) -> Float[np.ndarray, " columns"]:
        """Return length and characters."""
        if not self.space.contains(value):
            raise DoesNotFitError(f"{value!r:.60} is not a text of the space")
        row = np.zeros(self.width)
        row[0] = len(value)
        row[1 : 1 + len(value)] = [self.space.character_index(c) for c in value]
        return row

    def read(self, row: Float[np.ndarray, " columns"]) -> str:
        """Return the text."""
        low, high = self.bounds
        numbers = np.clip(np.rint(row), low, high).astype(int)
        characters = self.space.character_list
        return "".join(characters[number] for number in numbers[1 : 1 + numbers[0]])

    def names(self, name: str) -> Iterator[str]:
        """Yield the length and each character."""
        yield f"length of {name}"
        for place in range(self.space.max_length):
            yield f"{name}[{place}]"


@dataclass(frozen=True)
class PartsCodec:
    """Dict and Tuple: their parts side by side.

    Args:
        space: The space.
        keys: Key or position of each part, in order.
        parts: The codec of each.
    """

    space: Any
    keys: tuple[Any, ...]
    parts: tuple[Codec, ...]

    @property
    def width(self) -> int:
        """Columns of all parts."""
        return sum(part.width for part in self.parts)

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """Bounds of all parts."""
        ends = [part.bounds for part in self.parts]
        low, high = (np.concatenate([np.empty(0), *end]) for end in zip(*ends, strict=True))
        return low, high

    @property
    def single(self) -> bool:
        """Whether it holds for every part."""
        return all(part.single for part in self.parts)

    def write(self, value: Any) -> Float[np.ndarray, " columns"]:
        """Return the columns of every part."""
        if isinstance(self.space, spaces.Dict):
            if not isinstance(value, dict) or set(value) != set(self.keys):
                raise DoesNotFitError(f"expected a dict with the keys {list(self.keys)}")
        elif not isinstance(value, tuple | list) or len(value) != len(self.keys):
            raise DoesNotFitError(f"expected a tuple of {len(self.keys)} parts")
        written = []
        for key, part in zip(self.keys, self.parts, strict=True):
            try:
                written.append(part.write(value[key]))
            except DoesNotFitError as error:
                raise DoesNotFitError(f"{key}: {error}") from None
        return np.concatenate([np.empty(0), *written])

    def read(self, row: Float[np.ndarray, " columns"]) -> Any:
        """Return a dict or a tuple of the parts."""
        return self.put_together(
            [part.read(row[columns]) for part, columns in zip(self.parts, self.slices, strict=True)]
        )

    def put_together(self, parts: list[Any]) -> Any:
        """Return the parts as a dict or a tuple."""
        if isinstance(self.space, spaces.Dict):
            return dict(zip(self.keys, parts, strict=True))
        return tuple(parts)

    @property
    def slices(self) -> list[slice]:
        """The columns of each part."""
        stops = np.cumsum([0, *(part.width for part in self.parts)]).tolist()
        return [slice(a, b) for a, b in pairwise(stops)]

    def names(self, name: str) -> Iterator[str]:
        """Yield the names of every part, after its key or its position from 1."""
        for key, part in zip(self.keys, self.parts, strict=True):
            own = key if isinstance(key, str) else f"part {key + 1}"
            yield from part.names(f"{name} {own}".strip())


def _ends(space: Any) -> tuple[Any, Any]:
    match space:
        case spaces.Box():
            return space.low, space.high
        case spaces.Discrete():
            return int(space.start), int(space.start) + int(space.n) - 1
        case spaces.MultiDiscrete():
            return space.start, space.start + space.nvec - 1
        case _:
            return 0, 1
