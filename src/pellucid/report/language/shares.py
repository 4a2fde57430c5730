"""Which reward term moved an answer's advantage: shares that add up to one in every group."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from pellucid.posttrain.recording import SampleRow

TOLERANCE = 1e-4
"""Largest difference between the sum of the parts and the total, relative to the larger of one
and the total; single precision and a few sums lie well below it."""


class Shares(NamedTuple):
    """Shares of the advantage by reward term, one row per group that has any signal.

    Args:
        names: One per term.
        values: Shape (groups, terms); each row adds up to one.
        n_without_signal: Groups whose answers all earned the same.
        n_unusable: Groups with fewer than two scored answers.
        n_answers: Answers whose parts were added up.
        n_off: Those whose parts do not add up to the recorded total.
        worst: Largest difference, relative as in `TOLERANCE`; NaN if nothing was added up.
    """

    names: tuple[str, ...]
    values: Float[ndarray, "groups terms"]
    n_without_signal: int
    n_unusable: int
    n_answers: int
    n_off: int
    worst: float


def parts_of(sample: SampleRow, weights: Mapping[str, float]) -> dict[str, float]:
    """Return each term's part of the total, weight times raw; NaN where it was not scored.

    Args:
        sample: A completion.
        weights: By term; one for a term without a weight, as the trainers have it.
    """
    return {name: weights.get(name, 1.0) * raw for name, raw in sample.rewards.items()}


def addition_error(sample: SampleRow, weights: Mapping[str, float]) -> float:
    """Return by how much the scored parts miss the total, relative; NaN if there is no total.

    A term that could not score an answer adds nothing to its total.
    """
    parts = [part for part in parts_of(sample, weights).values() if not math.isnan(part)]
    if not parts or math.isnan(sample.total):
        return math.nan
    return abs(math.fsum(parts) - sample.total) / max(1.0, abs(sample.total))


def advantage_shares(
    groups: Sequence[Sequence[SampleRow]], names: Sequence[str], weights: Mapping[str, float]
) -> Shares:
    """Return the share of each term in the advantages, group by group.

    An advantage that compares an answer with its siblings is a multiple of the centred total, so
    the share of a term is its covariance with the total within the group, over the total's
    variance. Shares add up to one; a term that works against the others has a negative one.

    Args:
        groups: The answers of each group.
        names: Terms, in order.
        weights: By term.

    Source: the covariance decomposition of a variance.

    Example:
        >>> rows = [SampleRow(1, i, "p", "", "", rewards={"a": i, "b": 1.0}) for i in (0, 1)]
        >>> advantage_shares([rows], ["a", "b"], {}).values.tolist()
        [[1.0, 0.0]]
    """
    errors = [addition_error(sample, weights) for group in groups for sample in group]
    errors = [error for error in errors if not math.isnan(error)]
    rows, flat, unusable = [], 0, 0
    for group in groups:
        parts = _parts(group, names, weights)
        if len(parts) < 2:
            unusable += 1
            continue
        centred = parts - parts.mean(axis=0)
        total = centred.sum(axis=1)
        spread = float(total @ total)
        if spread <= 1e-12 * max(1.0, float(np.square(parts).sum())):
            flat += 1
            continue
        rows.append(centred.T @ total / spread)
    return Shares(
        tuple(names),
        np.array(rows).reshape(len(rows), len(names)),
        flat,
        unusable,
        len(errors),
        sum(error > TOLERANCE for error in errors),
        max(errors, default=math.nan),
    )


def _parts(
    group: Sequence[SampleRow], names: Sequence[str], weights: Mapping[str, float]
) -> Float[ndarray, "answers terms"]:
    """Parts of the answers that any term scored; a term that could not score adds nothing."""
    rows = []
    for sample in group:
        parts = parts_of(sample, weights)
        row = [parts.get(name, math.nan) for name in names]
        if not all(map(math.isnan, row)):
            rows.append([0.0 if math.isnan(part) else part for part in row])
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
