"""What importers share: rows of one step, and fewer steps where there are too many."""

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.posttrain.recording.rows import SampleRow, UpdateRow


def prompt_name(prompt: str) -> str:
    """Return a short name for a prompt that has none; equal prompts have equal names."""
    return hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()[:12]


def update_of(step: int, samples: Sequence[SampleRow]) -> UpdateRow:
    """Return what the completions of one step tell about it; the rest is not measured."""
    names = dict.fromkeys(name for row in samples for name in row.rewards)
    judged = [row.correct for row in samples if row.correct is not None]
    lengths = [row.length for row in samples if row.length is not None]
    cuts = [row.cut for row in samples if row.cut is not None]
    groups: dict[str, list[SampleRow]] = {}
    for row in samples:
        groups.setdefault(row.prompt_id, []).append(row)
    return UpdateRow(
        step,
        rewards={
            name: _mean([row.rewards.get(name, math.nan) for row in samples]) for name in names
        },
        total=_mean([row.total for row in samples]),
        gold_success=_mean([float(value) for value in judged]),
        n_samples=len(samples),
        n_unscored=sum(all(math.isnan(v) for v in row.rewards.values()) for row in samples),
        n_groups=len(groups),
        n_groups_without_signal=_n_level(list(groups.values())),
        mean_length=_mean([float(value) for value in lengths]),
        n_cut=sum(cuts) if cuts else None,
    )


def thinned(
    samples_by_step: Mapping[int, Sequence[SampleRow]], most: int
) -> tuple[list[SampleRow], str | None]:
    """Return samples of evenly spaced steps, at most about `most`, and a note if some are left out.

    Args:
        samples_by_step: In order of the steps; the first and the last are always kept.
        most: Most samples.
    """
    steps = list(samples_by_step)
    total = sum(map(len, samples_by_step.values()))
    if total <= most:
        return [row for step in steps for row in samples_by_step[step]], None
    n_kept = max(2, math.floor(len(steps) * most / total))
    chosen = {steps[i] for i in np.linspace(0, len(steps) - 1, n_kept).round().astype(int)}
    kept = [row for step in steps if step in chosen for row in samples_by_step[step]]
    note = f"{len(kept)} of {total} completions are kept, of {len(chosen)} of {len(steps)} steps"
    return kept, note


def _n_level(groups: Sequence[Sequence[SampleRow]]) -> int | None:
    """Return how many groups have one reward only, None if totals are unknown."""
    totals = [[_one_total(row) for row in group] for group in groups]
    if any(math.isnan(value) for group in totals for value in group):
        return None
    return sum(len(set(group)) == 1 for group in totals)


def _one_total(row: SampleRow) -> float:
    if math.isnan(row.total) and len(row.rewards) == 1:
        return next(iter(row.rewards.values()))
    return row.total


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
