"""Abstract states and the moves between them: how often, how well they foretell, and which way."""

import heapq
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

TWO_KINDS = 0.8
"""Share of the variance that parting numbers in two must take; of evenly spread ones it is 0.75."""


def transition_shares(
    paths: list[Int[np.ndarray, " steps"]], n_nodes: int
) -> Float[np.ndarray, "nodes nodes"]:
    """Return how often each node is followed by which; a node that is never left keeps to itself.

    Args:
        paths: Shape (episodes, steps), the node of each step.
        n_nodes: Number of nodes.

    Example:
        >>> transition_shares([np.array([0, 0, 1])], 2).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    counts = np.zeros((n_nodes, n_nodes))
    for path in paths:
        np.add.at(counts, (path[:-1], path[1:]), 1.0)
    left = counts.sum(axis=1, keepdims=True)
    return np.where(left > 0, counts / np.where(left > 0, left, 1.0), np.eye(n_nodes))


def entry_shares(
    paths: list[Int[np.ndarray, " steps"]], n_nodes: int
) -> Float[np.ndarray, " nodes"]:
    """Return which share of all moves into another node enters each node.

    Example:
        >>> entry_shares([np.array([0, 0, 1, 0, 1])], 2).round(2).tolist()
        [0.33, 0.67]
    """
    entered = np.concatenate([path[1:][path[1:] != path[:-1]] for path in paths])
    counts = np.bincount(entered, minlength=n_nodes).astype(np.float64)
    return np.asarray(counts / max(counts.sum(), 1.0))


def jump_shares(transitions: Float[np.ndarray, "nodes nodes"]) -> Float[np.ndarray, "nodes nodes"]:
    """Return which node is entered when one is left; 0 out of nodes that are never left.

    Example:
        >>> jump_shares(np.array([[0.5, 0.5], [0.0, 1.0]])).tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    others = transitions * ~np.eye(len(transitions), dtype=bool)
    left = others.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(others, left, out=np.zeros_like(others), where=left > 0))


def foretelling_error(
    features: list[Float[np.ndarray, "steps features"]],
    paths: list[Int[np.ndarray, " steps"]],
    held_features: list[Float[np.ndarray, "steps features"]],
    held_paths: list[Int[np.ndarray, " steps"]],
    n_nodes: int,
) -> float:
    """Return how far the next state's features are from those that its node foretells.

    A node foretells the mean of the features that follow it in some episodes; the error is the mean
    squared distance in others. It is that of a bisimulation: states of one node should be followed
    by the same, in inputs, choices and value, and it can be compared for any number of nodes.

    Args:
        features: Shape (episodes, steps, features), of the episodes that foretell.
        paths: Shape (episodes, steps), their nodes.
        held_features: Of the others.
        held_paths: Of the others.
        n_nodes: Number of nodes.
    """
    following = np.concatenate([f[1:] for f in features])
    nodes = np.concatenate([p[:-1] for p in paths])
    total = np.bincount(nodes, minlength=n_nodes)
    sums = np.zeros((n_nodes, following.shape[1]))
    np.add.at(sums, nodes, following)
    overall = following.mean(axis=0)
    means = np.where(total[:, None] > 0, sums / np.maximum(total, 1)[:, None], overall)
    told = means[np.concatenate([p[:-1] for p in held_paths])]
    errors = (np.concatenate([f[1:] for f in held_features]) - told) ** 2
    return float(errors.sum(axis=1).mean())


class Way(NamedTuple):
    """The likeliest way between two nodes.

    Args:
        nodes: From the first to the last; empty if there is none.
        probability: That these and no others are entered on the way.
    """

    nodes: tuple[int, ...]
    probability: float


def likeliest_way(transitions: Float[np.ndarray, "nodes nodes"], start: int, goal: int) -> Way:
    """Return the sequence of nodes from one to another that is entered most often.

    Source: Dijkstra 1959, over the logarithms of the probabilities of moves between nodes.

    Example:
        >>> likeliest_way(np.array([[0.8, 0.1, 0.1], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]), 0, 2)
        Way(nodes=(0, 2), probability=0.5)
    """
    jumps = jump_shares(transitions)
    best = {start: 1.0}
    before: dict[int, int] = {}
    queue = [(-1.0, start)]
    while queue:
        negative, node = heapq.heappop(queue)
        if node == goal:
            break
        if -negative < best[node]:
            continue
        for other in np.flatnonzero(jumps[node]).tolist():
            probability = -negative * float(jumps[node, other])
            if probability > best.get(other, 0.0):
                best[other], before[other] = probability, node
                heapq.heappush(queue, (-probability, other))
    if goal not in best:
        return Way((), 0.0)
    way = [goal]
    while way[-1] != start:
        way.append(before[way[-1]])
    return Way(tuple(way[::-1]), best[goal])


def two_kinds(values: Float[np.ndarray, " values"]) -> float | None:
    """Return a number that parts values into two kinds; None if they are not of two kinds.

    Source: Otsu 1979: the parting that takes most variance.

    Example:
        >>> two_kinds(np.array([-10.0, -9.0, 10.0, 11.0])), two_kinds(np.arange(5.0))
        (0.5, None)
    """
    ordered = np.sort(values)
    whole = float(((ordered - ordered.mean()) ** 2).sum())
    if len(ordered) < 2 or whole == 0:
        return None
    best, limit = 0.0, 0.0
    for cut in range(1, len(ordered)):
        low, high = ordered[:cut], ordered[cut:]
        between = cut * len(high) / len(ordered) * float(high.mean() - low.mean()) ** 2
        if between > best:
            best, limit = between, float(low[-1] + high[0]) / 2
    return limit if best >= TWO_KINDS * whole else None
