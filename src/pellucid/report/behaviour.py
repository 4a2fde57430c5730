"""What the agent does, as data: all returns, shares of its actions, ranges of its inputs."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.explanation.plots import DotChart, DotRow
from pellucid.explanation.wording import show
from pellucid.report.actions import action_name, at_or
from pellucid.report.record import RunRecord
from pellucid.report.said import Document
from pellucid.rollouts.episodes import Episode
from pellucid.stats import mean_interval

MOST_ACTIONS = 8
"""Actions whose share of all choices is told one by one; more are summed up."""
MOST_NAMED_INPUTS = 200
"""Inputs above which they are pixels, and what they do is a picture and not a list."""


def episodes(record: RunRecord) -> Document:
    """Return counts and one row per attempted episode."""
    attempted, used = record.episodes.attempted, record.episodes.used
    return {
        "attempted": len(attempted),
        "used": len(used),
        "excluded": len(attempted) - len(used),
        "excluded_by_kind": dict(
            sorted(Counter(e.failure.kind for e in attempted if e.failure is not None).items())
        ),
        "terminated": sum(e.terminated for e in used),
        "truncated": sum(e.truncated for e in used),
        "steps": sum(len(e) for e in used),
        "actions": _action_shares(record),
        "rows": [_row(e) for e in attempted],
    }


def excluded(record: RunRecord) -> list[Document]:
    """Return the episodes that enter no number, with the reason of each."""
    return [
        {
            "episode": e.index,
            "kind": e.failure.kind,
            "message": e.failure.message,
            "step": e.failure.step,
        }
        for e in record.episodes.attempted
        if e.failure is not None
    ]


def inputs(record: RunRecord) -> list[Document]:
    """Return the range of each input over the visited states."""
    visited = flat(record.episodes.visited)
    if visited.size == 0 or visited.shape[1] > MOST_NAMED_INPUTS:
        return []
    names, units = record.episodes.names.inputs, record.episodes.names.input_units
    return [
        {
            "input": i,
            "name": at_or(names, i, f"input {i} (unnamed)"),
            "unit": at_or(units, i, ""),
            "low": float(np.nanmin(visited[:, i])),
            "mean": float(np.nanmean(visited[:, i])),
            "high": float(np.nanmax(visited[:, i])),
        }
        for i in range(visited.shape[1])
        if np.isfinite(visited[:, i]).any()
    ]


def terms(record: RunRecord) -> DotChart | None:
    """Return what each reward term adds to an episode, with the return; None without terms.

    The return is the first row: the terms should add up to it.
    """
    used = [e for e in record.episodes.used if e.terms]
    names = list(dict.fromkeys(name for e in used for name in e.terms))
    if not names:
        return None
    sums = {n: [float(e.terms[n].sum()) if n in e.terms else 0.0 for e in used] for n in names}
    rows = [_dot(name, values) for name, values in sums.items()]
    rows.sort(key=lambda row: -abs(row.value))
    whole = _dot("return", [e.total_reward for e in used])
    error = max(abs(e.total_reward - sum(v[i] for v in sums.values())) for i, e in enumerate(used))
    return DotChart(
        title=f"What each reward term adds to an episode, mean over {len(used)} episodes; "
        f"the terms add up within {show(error)}",
        sentence=f"Of a return of {whole.text}, {rows[0].label} makes {rows[0].text}.",
        unit=record.episodes.names.reward_unit,
        left="← takes",
        right="adds →",
        rows=(whole, *rows),
    )


def _dot(label: str, values: Sequence[float]) -> DotRow:
    mean = mean_interval(values)
    value = mean.value if mean.measured else float(np.mean(values))
    return DotRow(label, value, mean.low, mean.high)


def flat(observations: np.ndarray) -> Float[np.ndarray, "states inputs"]:
    """Return observations as one row of numbers each; empty if they are not numbers."""
    if observations.size == 0 or not np.issubdtype(observations.dtype, np.number):
        return np.empty((0, 0))
    return observations.reshape(len(observations), -1).astype(np.float64)


# --- parts ---


def _row(episode: Episode) -> Document:
    failed = episode.failure is not None
    return {
        "index": episode.index,
        "seed": episode.seed if episode.seed >= 0 else None,
        "return": episode.total_reward,
        "length": len(episode),
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "used": not failed,
    }


def _action_shares(record: RunRecord) -> list[Document]:
    used = [e.actions for e in record.episodes.used if len(e)]
    if not used or used[0].ndim != 1 or not np.issubdtype(used[0].dtype, np.integer):
        return []
    actions = np.concatenate(used)
    values, counts = np.unique(actions, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shares = 100.0 * counts[order] / len(actions)
    names = [action_name(record, value) for value in values[order]]
    if len(names) > MOST_ACTIONS + 1:
        n_others = len(names) - MOST_ACTIONS
        names = [*names[:MOST_ACTIONS], f"{n_others} others together"]
        shares = np.append(shares[:MOST_ACTIONS], shares[MOST_ACTIONS:].sum())
    return [
        {"name": name, "percent": float(share)} for name, share in zip(names, shares, strict=True)
    ]
