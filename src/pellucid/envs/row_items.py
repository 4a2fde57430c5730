"""Elements without a fixed size as a fixed number of columns: Sequence and Graph.

A row has room for a stated number of items; an element with more of them does not fit. The number
of items comes first; the columns of items that are not there are zero.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import GraphInstance
from gymnasium.vector.utils import concatenate, create_empty_array, iterate
from jaxtyping import Float

from pellucid.envs.row_codecs import Codec, DoesNotFitError

ITEMS, EDGES = 32, 128
"""Items of a Sequence or nodes of a Graph, and edges of a Graph, that a row has room for."""


@dataclass(frozen=True)
class ItemsCodec:
    """Any number of items of one kind: how many there are, and each in turn.

    Args:
        item: The codec of one item.
        room: The most items.
        what: The word for an item.
    """

    item: Codec
    room: int
    what: str

    @property
    def width(self) -> int:
        """The number of items, and room for each."""
        return 1 + self.room * self.item.width

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """Those of the number and of each item; zero too, which fills what is not used."""
        low, high = self.item.bounds
        lows = np.concatenate([[0.0], np.tile(np.minimum(low, 0.0), self.room)])
        highs = np.concatenate([[float(self.room)], np.tile(np.maximum(high, 0.0), self.room)])
        return lows, highs

    @property
    def single(self) -> bool:
        """Whether it holds for an item."""
        return self.item.single

    def write(self, items: Sequence[Any]) -> Float[np.ndarray, " columns"]:
        """Return the number of items, the items and zeros."""
        if len(items) > self.room:
            raise DoesNotFitError(
                f"{len(items)} {self.what}s, and a row has room for {self.room}; bound their "
                "number with a wrapper"
            )
        row = np.zeros(self.width)
        row[0] = len(items)
        for place, item in enumerate(items):
            row[self._columns(place)] = self.item.write(item)
        return row

    def read(self, row: Float[np.ndarray, " columns"]) -> list[Any]:
        """Return the items."""
        count = int(np.clip(np.rint(row[0]), 0, self.room))
        return [self.item.read(row[self._columns(place)]) for place in range(count)]

    def names(self, name: str) -> Iterator[str]:
        """Yield the number of items and the columns of each, counted from 1."""
        yield f"number of {name} {self.what}s".replace("  ", " ")
        for place in range(self.room):
            yield from self.item.names(f"{name} {self.what} {place + 1}".strip())

    def _columns(self, place: int) -> slice:
        start = 1 + place * self.item.width
        return slice(start, start + self.item.width)


@dataclass(frozen=True)
class SequenceCodec:
    """Sequence: a tuple of items, or a stack of them.

    Args:
        space: The space.
        items: The codec of its items.
    """

    space: Any
    items: ItemsCodec

    @property
    def width(self) -> int:
        """Columns of the items."""
        return self.items.width

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """Those of the items."""
        return self.items.bounds

    @property
    def single(self) -> bool:
        """Whether it holds for the items."""
        return self.items.single

    def write(self, value: Any) -> Float[np.ndarray, " columns"]:
        """Return the items' columns."""
        if not self.space.contains(value):
            raise DoesNotFitError(f"{type(value).__name__} is not an element of {self.space}")
        stacked = self.space.stack
        items = iterate(self.space.stacked_feature_space, value) if stacked else value
        return self.items.write(tuple(items))

    def read(self, row: Float[np.ndarray, " columns"]) -> Any:
        """Return a tuple, or a stack where the space asks for one."""
        items = tuple(self.items.read(row))
        return _stacked(self.space.feature_space, items) if self.space.stack else items

    def names(self, name: str) -> Iterator[str]:
        """Yield the items' names."""
        return self.items.names(name)


@dataclass(frozen=True)
class GraphCodec:
    """Graph: its nodes, then edges (-1 of them where it has none at all) and the ends of each.

    The ends come back as 32-bit integers, the type in which Gymnasium draws them.

    Args:
        space: The space.
        nodes: The codec of its nodes.
        edges: The codec of its edges, None for a graph without features of edges.
    """

    space: Any
    nodes: ItemsCodec
    edges: ItemsCodec | None

    @property
    def width(self) -> int:
        """Columns of nodes, edges and their ends."""
        return self.nodes.width + (0 if self.edges is None else self.edges.width + self._n_ends)

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """Those of nodes and edges; ends are numbers of nodes."""
        low, high = self.nodes.bounds
        if self.edges is None:
            return low, high
        edge_low, edge_high = self.edges.bounds
        edge_low[0] = -1.0
        ends = np.full(self._n_ends, float(self.nodes.room - 1))
        return np.concatenate([low, edge_low, 0 * ends]), np.concatenate([high, edge_high, ends])

    @property
    def single(self) -> bool:
        """Whether it holds for nodes and edges."""
        return self.nodes.single and (self.edges is None or self.edges.single)

    @property
    def _n_ends(self) -> int:
        return 0 if self.edges is None else 2 * self.edges.room

    def write(self, value: Any) -> Float[np.ndarray, " columns"]:
        """Return the columns of nodes, edges and ends."""
        if not self.space.contains(value):
            raise DoesNotFitError(f"{type(value).__name__} is not an element of {self.space}")
        nodes = self.nodes.write(tuple(iterate(self.space.batch_node_space, value.nodes)))
        if self.edges is None:
            return nodes
        ends = np.zeros(self._n_ends)
        if value.edges is None:
            edges = self.edges.write(())
            edges[0] = -1.0
        else:
            edges = self.edges.write(tuple(iterate(self.space.batch_edge_space, value.edges)))
            ends[: value.edge_links.size] = value.edge_links.reshape(-1)
        return np.concatenate([nodes, edges, ends])

    def read(self, row: Float[np.ndarray, " columns"]) -> GraphInstance:
        """Return the graph."""
        nodes = self.nodes.read(row[: self.nodes.width])
        batch = _stacked(self.space.node_space, tuple(nodes))
        if self.edges is None:
            return GraphInstance(batch, None, None)
        rest = row[self.nodes.width :]
        if np.rint(rest[0]) < 0:
            return GraphInstance(batch, None, None)
        edges = self.edges.read(rest[: self.edges.width])
        ends = np.rint(rest[self.edges.width :][: 2 * len(edges)]).astype(np.int32)
        # a mixture of two graphs may name a node that is not there
        links = np.clip(ends, 0, max(0, len(nodes) - 1)).reshape(-1, 2)
        return GraphInstance(batch, _stacked(self.space.edge_space, tuple(edges)), links)

    def names(self, name: str) -> Iterator[str]:
        """Yield the names of nodes, edges and ends."""
        yield from self.nodes.names(name)
        if self.edges is not None:
            yield from self.edges.names(name)
            for place in range(self.edges.room):
                yield f"{name} edge {place + 1} from".strip()
                yield f"{name} edge {place + 1} to".strip()


def _stacked(space: Any, items: tuple[Any, ...]) -> Any:
    empty: Any = create_empty_array(space, len(items))
    return concatenate(space, items, empty)
