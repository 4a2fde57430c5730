"""Rows: observations and actions that are not one array, laid out as rows of numbers, and back.

Everything behind the environment (what is stored, asked, explained and tested) works on one array
per observation. So an element of a Dict, Tuple, Text, Sequence or Graph space is a row of real
numbers here, from which it comes back exactly. See `design/0012-rows.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import Float

from pellucid.envs.row_codecs import ArrayCodec, Codec, DoesNotFitError, PartsCodec, TextCodec
from pellucid.envs.row_items import EDGES, ITEMS, GraphCodec, ItemsCodec, SequenceCodec
from pellucid.errors import CapabilityError

MAX_COLUMNS = 10_000_000
ONE_ARRAY = (spaces.Box, spaces.Discrete, spaces.MultiBinary, spaces.MultiDiscrete)
"""Spaces whose elements are one array, which stay as they are."""


@dataclass(frozen=True)
class Part:
    """One part of a row.

    Args:
        path: Keys and positions that lead to it.
        space: Its own space.
        columns: Which columns are its.
        codec: How it is laid out.
    """

    path: tuple[str | int, ...]
    space: Any
    columns: slice
    codec: Codec

    @property
    def name(self) -> str:
        """Its path in words, positions counted from 1."""
        return " ".join(k if isinstance(k, str) else f"part {k + 1}" for k in self.path)

    @property
    def input_names(self) -> tuple[str, ...]:
        """A name for each of its columns."""
        return tuple(self.codec.names(self.name))


class RowSpace(spaces.Box):
    """The rows that stand for the elements of another space.

    Single precision where it holds every element exactly, else double.

    Args:
        original: The other space.

    Raises:
        CapabilityError: It, or a part of it, is of no kind that is known.

    Example:
        >>> parts = {"at": spaces.Discrete(5, start=5), "on": spaces.MultiBinary(2)}
        >>> space = RowSpace(spaces.Dict(parts))
        >>> row = space.row({"at": np.int64(7), "on": np.array([0, 1], np.int8)})
        >>> row.tolist(), space.element(row)["on"].tolist()
        ([7.0, 0.0, 1.0], [0, 1])
    """

    def __init__(self, original: Any) -> None:
        self.original = original
        self.codec = codec_of(original)
        if self.codec.width > MAX_COLUMNS:
            raise CapabilityError(f"{original!s:.80} has {self.codec.width} numbers, too many")
        dtype: Any = np.float32 if self.codec.single else np.float64
        low, high = (end.astype(dtype) for end in self.codec.bounds)
        super().__init__(low, high, dtype=dtype)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Every part that is not made of parts, in the order of the columns."""
        return tuple(_parts(self.codec, (), 0))

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """A name for every column."""
        return tuple(name for part in self.parts for name in part.input_names)

    def row(self, element: Any) -> Float[np.ndarray, " columns"]:
        """Return the row of an element.

        Raises:
            DoesNotFitError: It is no element of the space, or a row cannot hold it.
        """
        return np.asarray(self.codec.write(element), dtype=self.dtype)

    def element(self, row: Float[np.ndarray, " columns"]) -> Any:
        """Return the element of a row; of one that stands for none, the nearest in each column."""
        return self.codec.read(np.asarray(row))

    def elements(self, rows: Float[np.ndarray, "rows columns"]) -> Any:
        """Return a batch: dicts and tuples of arrays with one row each, lists where sizes vary."""
        return _batch(self.codec, np.asarray(rows))

    def rows_of(self, batch: Any, n_rows: int) -> Float[np.ndarray, "rows columns"]:
        """Return the rows of a batch as `elements` gives it.

        Raises:
            DoesNotFitError: It has another structure, or a row cannot hold an element.
        """
        rows = np.empty((n_rows, self.codec.width), dtype=self.dtype)
        _write_batch(self.codec, batch, rows)
        return rows

    # --- as a Gymnasium space ---

    def sample(self, *args: Any, **kwargs: Any) -> Any:
        """Return the row of a random element."""
        return self.row(self.original.sample(*args, **kwargs))

    def seed(self, seed: Any = None) -> Any:
        """Seed the space whose elements these rows are."""
        return self.original.seed(seed)

    def contains(self, x: Any) -> bool:
        """Whether a row stands for an element of the space."""
        if not isinstance(x, np.ndarray) or x.shape != self.shape or x.dtype.kind != "f":
            return False
        element = self.element(x)
        try:
            same = np.array_equal(self.row(element), x, equal_nan=True)
        except DoesNotFitError:
            return False
        return same and bool(self.original.contains(element))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowSpace) and bool(self.original == other.original)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.original} as rows of {self.shape[0]} numbers"


def codec_of(space: Any) -> Codec:
    """Return how the elements of a space are laid out.

    Raises:
        CapabilityError: It is of no kind that is known.
    """
    match space:
        case spaces.Box() | spaces.Discrete() | spaces.MultiBinary() | spaces.MultiDiscrete():
            return ArrayCodec(space)
        case spaces.Text():
            return TextCodec(space)
        case spaces.Dict():
            return PartsCodec(space, tuple(space.spaces), tuple(map(codec_of, space.values())))
        case spaces.Tuple():
            keys = tuple(range(len(space.spaces)))
            return PartsCodec(space, keys, tuple(map(codec_of, space.spaces)))
        case spaces.Sequence():
            return SequenceCodec(space, ItemsCodec(codec_of(space.feature_space), ITEMS, "item"))
        case spaces.Graph():
            nodes = ItemsCodec(codec_of(space.node_space), ITEMS, "node")
            edge = space.edge_space
            edges = None if edge is None else ItemsCodec(codec_of(edge), EDGES, "edge")
            return GraphCodec(space, nodes, edges)
    raise CapabilityError(
        f"a space of type {type(space).__name__} cannot be laid out as rows of numbers",
        hint="known: Box, Discrete, MultiBinary, MultiDiscrete, Text, Dict, Tuple, Sequence, Graph",
    )


def as_array_space(space: Any) -> Any:
    """Return a space whose elements are one array: itself, or that of its rows.

    Raises:
        CapabilityError: It is of no kind that is known.
    """
    return space if isinstance(space, ONE_ARRAY) else RowSpace(space)


def original_space(space: Any) -> Any:
    """Return the space that an environment has before its elements are laid out as rows."""
    return space.original if isinstance(space, RowSpace) else space


def _parts(codec: Codec, path: tuple[str | int, ...], start: int) -> list[Part]:
    if not isinstance(codec, PartsCodec):
        columns = slice(start, start + codec.width)
        return [Part(path, getattr(codec, "space", None), columns, codec)]
    return [
        part
        for key, inner, columns in zip(codec.keys, codec.parts, codec.slices, strict=True)
        for part in _parts(inner, (*path, key), start + columns.start)
    ]


def _batch(codec: Codec, rows: Float[np.ndarray, "rows columns"]) -> Any:
    if isinstance(codec, ArrayCodec):
        return codec.read_many(rows)
    if isinstance(codec, PartsCodec):
        together = zip(codec.parts, codec.slices, strict=True)
        return codec.put_together([_batch(part, rows[:, columns]) for part, columns in together])
    return [codec.read(row) for row in rows]


def _write_batch(codec: Codec, batch: Any, rows: Float[np.ndarray, "rows columns"]) -> None:
    if isinstance(codec, PartsCodec):
        mapping = isinstance(codec.space, spaces.Dict)
        if not isinstance(batch, Mapping if mapping else Sequence) or len(batch) != len(codec.keys):
            form = "a dict" if mapping else "a tuple"
            raise DoesNotFitError(f"expected {form} of {len(codec.keys)} parts")
        for key, part, columns in zip(codec.keys, codec.parts, codec.slices, strict=True):
            if mapping and key not in batch:
                raise DoesNotFitError(f"the part {key!r} is missing")
            _write_batch(part, batch[key], rows[:, columns])
        return
    if len(batch) != len(rows):
        raise DoesNotFitError(f"expected {len(rows)} rows, got {len(batch)}")
    for row, element in zip(rows, batch, strict=True):
        row[:] = codec.write(element)
