"""What the chart of a graph shows: abstract states, and which follows on which how often."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int

from pellucid.explanation.content import Graph
from pellucid.explanation.plots.causes import causes_chart
from pellucid.explanation.plots.rows import DotChart
from pellucid.explanation.wording import show
from pellucid.io.strict_json import finite_or_text

MOST_NODES = 12
"""Nodes that are drawn: the most visited ones."""
LEAST_SHARE = 0.15
"""Share of the moves out of a node below which a transition is not drawn."""
MOST_EDGES = 3
"""Transitions drawn out of one node."""


@dataclass(frozen=True)
class GraphNode:
    """One abstract state that is drawn.

    Args:
        label: Its name.
        occupancy: Percent of steps spent there.
        stays: Percent of steps there after which the agent is still there.
    """

    label: str
    occupancy: float
    stays: float


@dataclass(frozen=True)
class GraphEdge:
    """One transition that is drawn.

    Args:
        start: Position of the node it leaves.
        stop: Position of the node it enters.
        label: Both names.
        share: Percent of the steps in the first node that it follows.
    """

    start: int
    stop: int
    label: str
    share: float


@dataclass(frozen=True)
class GraphChart:
    """Abstract states in their order, and the transitions between them.

    Args:
        title: What is shown, with n.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Unit of the numbers.
        rows: The nodes that are drawn.
        edges: The transitions that are drawn, most frequent first.
        n_nodes: All nodes.
        n_edges: All transitions that occur between different nodes.
    """

    form: ClassVar[str] = "graph"
    title: str
    sentence: str
    unit: str
    rows: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    n_nodes: int
    n_edges: int


def graph_chart(content: Graph, unit: str) -> GraphChart | DotChart | None:
    """Return the most visited nodes, in the order of the content, and their main transitions.

    Args:
        content: The graph; the chart is None if it has no nodes. Of a graph of causes the edges
            with their effects (`plots.causes`).
        unit: Unused: shares are in percent.
    """
    if content.form == "causes":
        return causes_chart(content)
    n_nodes = len(content.node_names)
    if not n_nodes:
        return None
    kept = np.sort(np.argsort(-content.occupancy, kind="stable")[:MOST_NODES])
    nodes = tuple(
        GraphNode(
            content.node_names[i],
            100.0 * float(content.occupancy[i]),
            100.0 * float(content.transitions[i, i]),
        )
        for i in kept
    )
    edges = _edges(content, kept)
    moves = (content.transitions > 0) & ~np.eye(n_nodes, dtype=bool)
    busiest = max(nodes, key=lambda node: node.occupancy)
    most = f"; most often {edges[0].label}, {show(edges[0].share)} %" if edges else ""
    return GraphChart(
        title=f"How it moves between {n_nodes} kinds of states",
        sentence=f"It spends {show(busiest.occupancy)} % of its steps in {busiest.label}{most}.",
        unit="% of steps",
        rows=nodes,
        edges=edges,
        n_nodes=n_nodes,
        n_edges=int(moves.sum()),
    )


def read_graph(data: Mapping[str, Any]) -> GraphChart:
    """Return the chart of a graph from its JSON form."""
    return GraphChart(
        **{name: data[name] for name in ("title", "sentence", "unit", "n_nodes", "n_edges")},
        rows=tuple(
            GraphNode(
                node["label"], finite_or_text(node["occupancy"]), finite_or_text(node["stays"])
            )
            for node in data["rows"]
        ),
        edges=tuple(
            GraphEdge(e["start"], e["stop"], e["label"], finite_or_text(e["share"]))
            for e in data["edges"]
        ),
    )


def _edges(content: Graph, kept: Int[np.ndarray, " nodes"]) -> tuple[GraphEdge, ...]:
    edges = []
    for start, row in enumerate(kept):
        shares = content.transitions[row, kept].astype(np.float64)
        shares[start] = 0.0
        for stop in np.argsort(-shares, kind="stable")[:MOST_EDGES]:
            if shares[stop] > 0 and shares[stop] >= LEAST_SHARE * shares.sum():
                names = (content.node_names[row], content.node_names[kept[stop]])
                label = f"from {names[0]} to {names[1]}"
                edges.append(GraphEdge(start, int(stop), label, 100.0 * float(shares[stop])))
    return tuple(sorted(edges, key=lambda e: (-e.share, e.start, e.stop)))
