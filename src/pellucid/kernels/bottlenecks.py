"""Regions that every way to the end goes through, and moments at which behaviour changes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int


def visit_shares(
    paths: Sequence[Int[np.ndarray, " steps"]], n_regions: int
) -> Float[np.ndarray, " regions"]:
    """Return the share of paths that visit each region.

    Args:
        paths: Regions that each path goes through, at least one path.
        n_regions: How many there are.

    Example:
        >>> visit_shares([np.array([0, 1]), np.array([0, 0])], 3).tolist()
        [1.0, 0.5, 0.0]
    """
    visits = np.zeros((len(paths), n_regions), dtype=bool)
    for row, path in enumerate(paths):
        visits[row, path] = True
    return np.asarray(visits.mean(axis=0))


def cuts(
    paths: Sequence[Int[np.ndarray, " steps"]], n_regions: int
) -> Bool[np.ndarray, " regions"]:
    """Return the regions without which no way is left from any first region to any last one.

    Ways may be put together from pieces of several paths. They are those between other first and
    last regions than the one that is left out.

    Args:
        paths: As for `visit_shares`.
        n_regions: How many there are.

    Source: McGovern 2001 (bottlenecks as subgoals); cut vertices in place of diverse density.

    Example:
        >>> cuts([np.array([0, 1, 2, 4]), np.array([0, 3, 2, 4])], 5).tolist()
        [False, False, True, False, False]
    """
    moves = np.zeros((n_regions, n_regions), dtype=bool)
    for path in paths:
        moves[path[:-1], path[1:]] = True
    starts = np.unique([path[0] for path in paths])
    ends = np.unique([path[-1] for path in paths])
    found = np.zeros(n_regions, dtype=bool)
    for region in np.unique(np.concatenate(list(paths))):
        others = ends[ends != region]
        if len(others) and (starts != region).any():
            found[region] = not _reached(moves, starts, region)[others].any()
    return found


def _reached(
    moves: Bool[np.ndarray, "regions regions"], starts: Int[np.ndarray, " starts"], without: int
) -> Bool[np.ndarray, " regions"]:
    """Return what can be reached from the starts without one region."""
    reached = np.zeros(len(moves), dtype=bool)
    edge = np.setdiff1d(starts, [without])
    while len(edge):
        reached[edge] = True
        following = moves[edge].any(axis=0) & ~reached
        following[without] = False
        edge = np.flatnonzero(following)
    return reached


def change_shares(
    paths: Sequence[Int[np.ndarray, " steps"]],
    behaviours: Sequence[Float[np.ndarray, "steps outputs"]],
    n_regions: int,
    *,
    span: int = 3,
) -> Float[np.ndarray, " regions"]:
    """Return how much behaviour differs before and after each region, from 0 to 1.

    Mean over visits of half the sum of absolute differences between the mean behaviour of the
    steps before the visit and that of the steps from it on.

    Args:
        paths: Region of every step of each path.
        behaviours: What was done at every step, each shape (steps, outputs), such as one-hot
            actions.
        n_regions: How many regions there are.
        span: Steps on each side that are compared at most.

    Example:
        >>> turn = np.array([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3)
        >>> change_shares([np.array([0, 0, 0, 1, 2, 2])], [turn], 3, span=2).tolist()
        [0.25, 1.0, 0.25]
    """
    total, counts = np.zeros(n_regions), np.zeros(n_regions)
    for path, behaviour in zip(paths, behaviours, strict=True):
        for step in range(1, len(path)):
            before = behaviour[max(0, step - span) : step].mean(axis=0)
            after = behaviour[step : step + span].mean(axis=0)
            total[path[step]] += 0.5 * np.abs(after - before).sum()
            counts[path[step]] += 1
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), 0.0))
