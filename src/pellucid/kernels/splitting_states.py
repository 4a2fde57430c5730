"""Chooses the few comparisons of inputs that, all together, tell best where something is so."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.kernels.cart import shortest_between
from pellucid.kernels.predicates import Comparison, Value, compare, holds

LEVELS = 16
"""Parts into which the values of an input are cut for a first look."""
MOST_VALUES = 64
"""Values of a category that are compared with one by one: the most frequent ones."""
LEAST_GAIN = 0.01
"""Share of the impurity that a comparison must take, or no more is chosen."""
NEAR_ZERO = 0.2
"""Share of a gap within which zero is taken for its middle."""
DROPPED_GAIN = 0.002
"""Share of the impurity that a comparison must take beside all others, or it is dropped again."""


class _Choice(NamedTuple):
    comparison: Comparison
    impurity: float


def choose_comparisons(
    rows: Float[np.ndarray, "rows inputs"],
    labels: Bool[np.ndarray, " rows"],
    *,
    most: int,
    categories: bool = False,
) -> tuple[Comparison, ...]:
    """Return comparisons whose combinations part the rows by their label, best first.

    Greedy: each is the one that takes most of the Gini impurity over all combinations of those
    before it and itself, so that an input counts that tells something only beside another. Two that
    tell nothing alone, as in an exclusive or, are not found. The threshold of each is then chosen
    again among all values near it, given the others, and one that tells nothing beside the others
    is dropped. A threshold is a number of few digits between the two values that it parts.

    Args:
        rows: Shape (rows, inputs).
        labels: Shape (rows,), what is to be told.
        most: Comparisons at most.
        categories: Whether inputs are names of categories, so that single values count too.

    Source: Kohavi 1994 (oblivious trees, which ask the same of all rows); thresholds ours.

    Example:
        >>> grid = np.array([[a, b] for a in range(4) for b in range(4)], dtype=float)
        >>> told = (grid[:, 0] > 1) != (grid[:, 1] > 1)
        >>> [str(c) for c in choose_comparisons(grid, told, most=3)]
        []
        >>> [str(c) for c in choose_comparisons(grid, grid[:, 1] > 1, most=3)]
        ['x[1] > 1.5']
    """
    whole = _impurity(np.zeros(len(rows), dtype=np.int64), labels)
    chosen: list[Comparison] = []
    left = whole
    candidates = _candidates(rows, categories)
    while len(chosen) < most and left > 0:
        best = _best(rows, labels, _cells(rows, chosen), candidates)
        if best is None or left - best.impurity < LEAST_GAIN * whole:
            break
        chosen.append(best.comparison)
        chosen = _refined(rows, labels, chosen)
        left = _impurity(_cells(rows, chosen), labels)
    return tuple(_needed(rows, labels, chosen, whole))


def cells_of(
    rows: Float[np.ndarray, "rows inputs"], predicates: tuple[Comparison, ...]
) -> Int[np.ndarray, " rows"]:
    """Return which predicates hold in each row, as bits: the first is the lowest."""
    return _cells(rows, list(predicates))


def _cells(
    rows: Float[np.ndarray, "rows inputs"], chosen: list[Comparison]
) -> Int[np.ndarray, " rows"]:
    cells = np.zeros(len(rows), dtype=np.int64)
    for bit, comparison in enumerate(chosen):
        cells |= holds(comparison, rows).astype(np.int64) << bit
    return cells


def _impurity(cells: Int[np.ndarray, " rows"], labels: Bool[np.ndarray, " rows"]) -> float:
    """Return the Gini impurity, each label as heavy as the other."""
    n_true = int(labels.sum())
    if n_true in (0, len(labels)):
        return 0.0
    weights = np.where(labels, 0.5 / n_true, 0.5 / (len(labels) - n_true))
    total = np.bincount(cells, weights)
    true = np.bincount(cells, weights * labels, minlength=len(total))
    share = np.divide(true, total, out=np.zeros_like(total), where=total > 0)
    return float((total * 2 * share * (1 - share)).sum())


def _best(
    rows: Float[np.ndarray, "rows inputs"],
    labels: Bool[np.ndarray, " rows"],
    cells: Int[np.ndarray, " rows"],
    candidates: list[Comparison],
) -> _Choice | None:
    """Return the candidate that leaves least impurity beside given cells, the first of equals."""
    _, dense = np.unique(cells, return_inverse=True)
    best: _Choice | None = None
    for comparison in candidates:
        held = holds(comparison, rows)
        impurity = _impurity(2 * dense + held, labels)
        if best is None or impurity < best.impurity - 1e-12:
            best = _Choice(comparison, impurity)
    return best


def _refined(
    rows: Float[np.ndarray, "rows inputs"],
    labels: Bool[np.ndarray, " rows"],
    chosen: list[Comparison],
) -> list[Comparison]:
    """Return the comparisons with thresholds chosen again, each given the others."""
    chosen = list(chosen)
    for place, comparison in enumerate(chosen):
        if comparison.sign != ">":
            continue
        others = _cells(rows, chosen[:place] + chosen[place + 1 :])
        best = _best(rows, labels, others, [comparison, *_nearby(rows, comparison)])
        if best is not None:
            chosen[place] = best.comparison
    return chosen


def _needed(
    rows: Float[np.ndarray, "rows inputs"],
    labels: Bool[np.ndarray, " rows"],
    chosen: list[Comparison],
    whole: float,
) -> list[Comparison]:
    for comparison in chosen[::-1]:
        others = [c for c in chosen if c is not comparison]
        lost = _impurity(_cells(rows, others), labels) - _impurity(_cells(rows, chosen), labels)
        if lost < DROPPED_GAIN * whole:
            chosen = others
    return chosen


# --- thresholds ---


def _candidates(rows: Float[np.ndarray, "rows inputs"], categories: bool) -> list[Comparison]:
    found: list[Comparison] = []
    for column in range(rows.shape[1]):
        values, counts = np.unique(rows[:, column], return_counts=True)
        values, counts = values[np.isfinite(values)], counts[np.isfinite(values)]
        if len(values) < 2:
            continue
        if categories:
            common = np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES])
            found += [
                Comparison(Value(column=column), "==", Value(float(values[i]))) for i in common
            ]
        cuts = np.arange(len(values) - 1)
        if len(cuts) >= LEVELS:
            # cuts after equal shares of the rows
            wanted = np.arange(1, LEVELS) / LEVELS * counts.sum()
            cuts = np.unique(np.searchsorted(counts.cumsum(), wanted))
            cuts = cuts[cuts < len(values) - 1]
        found += [_between(column, values, cut) for cut in cuts.tolist()]
    return found


def _nearby(rows: Float[np.ndarray, "rows inputs"], comparison: Comparison) -> list[Comparison]:
    """Return other thresholds of a comparison, over twice the distance of the first look."""
    column, limit = comparison.left.column, comparison.right.number
    values = np.unique(rows[:, column])
    values = values[np.isfinite(values)]
    reach = int(np.ceil(len(rows) / LEVELS))
    ranks = np.searchsorted(np.sort(rows[:, column]), values)
    here = int((rows[:, column] <= limit).sum())
    near = np.flatnonzero(np.abs(ranks[1:] - here) <= reach)
    # at most this many, evenly spread: rows that differ by less are told alike
    picked = near[np.unique(np.linspace(0, len(near) - 1, min(len(near), 128)).astype(int))]
    return [_between(column, values, cut) for cut in picked.tolist()] if len(near) else []


def _between(column: int, values: Float[np.ndarray, " values"], cut: int) -> Comparison:
    low, high = float(values[cut]), float(values[cut + 1])
    # the middle of a wide gap about zero may be a tiny number that says less than zero does
    about_zero = low < 0 < high and abs(low + high) < NEAR_ZERO * (high - low)
    return compare(column, ">", 0.0 if about_zero else shortest_between(low, high))
