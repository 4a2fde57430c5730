"""What the model can do that it could not: right answers to held-out prompts, before and after."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from pellucid.explanation import Interval
from pellucid.posttrain.native import pass_at_k
from pellucid.posttrain.recording import EvaluationRow, RunRecord
from pellucid.stats import mean_share_interval, not_measured, paired_gap

PERCENT = 100.0


class HeldOut(NamedTuple):
    """Held-out examples that were asked before and after training, in one order.

    Args:
        before: Rows before training; empty if there are none.
        after: Rows after it, or of the last evaluation during it.
        n_unpaired: Examples that only one of the two evaluations asked.
        step: Updates made before the later evaluation.
    """

    before: tuple[EvaluationRow, ...]
    after: tuple[EvaluationRow, ...]
    n_unpaired: int
    step: int


class PassRow(NamedTuple):
    """Success when the best of `k` answers counts."""

    k: int
    before: Interval
    after: Interval
    gap: Interval


def held_out(run: RunRecord) -> HeldOut:
    """Return the held-out examples of a run, paired by example."""
    before, after = run.evaluated("before"), run.evaluated("after")
    if not after:
        after = run.evaluated("during")
    first = {row.example_id: row for row in before}
    last = {row.example_id: row for row in after}
    both = [name for name in last if name in first]
    step = max((row.step for row in after), default=0)
    if not both:
        return HeldOut(before, after, 0, step)
    return HeldOut(
        tuple(first[name] for name in both),
        tuple(last[name] for name in both),
        len(first.keys() ^ last.keys()),
        step,
    )


def success(rows: Sequence[EvaluationRow], k: int = 1) -> Float[ndarray, " examples"]:
    """Return the chance that at least one of `k` answers is right, in percent; NaN if unknown.

    Unbiased for every example that was answered at least `k` times; one is enough for `k` of 1.

    Source: Chen et al. 2021, eq. (1).

    Example:
        >>> success([EvaluationRow("after", 9, "a", n=4, n_correct=1)], k=2).tolist()
        [50.0]
    """
    return np.array([PERCENT * row_pass_at(row, k) for row in rows], dtype=np.float64)


def pass_rows(found: HeldOut) -> list[PassRow]:
    """Return success at 1, 2, 4, … answers, as far as the examples were answered often enough."""
    rows = [*found.before, *found.after]
    most = min((row.n - row.n_unscored for row in rows), default=0)
    sizes = [2**i for i in range(most.bit_length()) if 2**i <= most]
    if most and most not in sizes:
        sizes.append(most)
    paired = bool(found.before and found.after)
    return [
        PassRow(
            k,
            percent(mean_share_interval(success(found.before, k) / PERCENT)),
            percent(mean_share_interval(success(found.after, k) / PERCENT)),
            paired_gap(success(found.after, k), success(found.before, k), "higher")
            if paired
            else not_measured(),
        )
        for k in sizes
    ]


def percent(share: Interval) -> Interval:
    """Return an estimate of a share in percent."""
    return replace(
        share,
        value=PERCENT * share.value,
        low=PERCENT * share.low,
        high=PERCENT * share.high,
    )


def share_right(row: EvaluationRow) -> float:
    """Return the share of a prompt's scored answers that are right; NaN if none is scored."""
    n = row.n - row.n_unscored
    return row.n_correct / n if n else math.nan


def row_pass_at(row: EvaluationRow, k: int) -> float:
    """Return pass@k of a prompt; NaN if fewer than k of its answers are scored."""
    n = row.n - row.n_unscored
    return pass_at_k(row.n_correct, n, k) if n >= k else math.nan
