"""What training changed, in numbers: for the terminal and for `--json`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.posttrain.recording.rows import EvaluationRow, RunRecord
from pellucid.report.language.gain import row_pass_at, share_right
from pellucid.stats import Estimate, differences, mean_interval, mean_share_interval

_MOST_REWARDS = 10
_IDLE: Mapping[str, tuple[str, float, str]] = {
    "self-explanation": ("n_explained", 0, "no explanation was learned from"),
    "explanation-preference": ("n_pairs", 0, "no pair of answers was compared"),
    "guidance": ("share_guided", 0, "no hinted answer was learned from"),
    "entropy-modulation": ("mean_steps", 1, "no answer had more than one step"),
}
"""By method: what it records of its own part, what that is without any, and how to say so."""


def training_document(folder: Path, record: RunRecord, *, k: Sequence[int]) -> dict[str, Any]:
    """Return the document of a training run.

    Args:
        folder: The run folder.
        record: What was measured.
        k: Numbers of tries of pass@k.
    """
    pairs = evaluated_pairs(record)
    head = record.head
    return {
        "run": folder,
        "state": record.state,
        "diagnosis": record.diagnosis or None,
        "engine": head.engine,
        "method": head.method,
        "seed": head.seed,
        "updates": len(record.updates),
        "success": _change(
            [share_right(before) for before, _ in pairs],
            [share_right(after) for _, after in pairs],
            pairs,
        ),
        "pass_at_k": [
            {
                "k": tries,
                **_change(
                    [row_pass_at(before, tries) for before, _ in pairs],
                    [row_pass_at(after, tries) for _, after in pairs],
                    pairs,
                ),
            }
            for tries in k
        ],
        "newly_solved": sum(b.n_correct == 0 < a.n_correct for b, a in pairs),
        "no_longer_solved": sum(a.n_correct == 0 < b.n_correct for b, a in pairs),
        "rewards": _rewards(record),
        "seconds": record.seconds,
        "warnings": [*record.warnings, *idle_parts(record)],
    }


def evaluated_pairs(record: RunRecord) -> list[tuple[EvaluationRow, EvaluationRow]]:
    """Return the rows of each held-out example before and after training."""
    after = {row.example_id: row for row in record.evaluated("after")}
    return [
        (row, after[row.example_id])
        for row in record.evaluated("before")
        if row.example_id in after
    ]


def idle_parts(record: RunRecord) -> list[str]:
    """Return what a method is for and never did in the whole run, one sentence each."""
    named = _IDLE.get(record.head.method)
    if named is None or not record.updates:
        return []
    measured, nothing, what = named
    values = [row.extra.get(measured, math.nan) for row in record.updates]
    known = [value for value in values if not math.isnan(value)]
    if not known or max(known) > nothing:
        return []
    return [f"{what} in any update: the recipe alone was at work"]


def summary_text(document: Mapping[str, Any]) -> str:
    """Return a run in a few lines of text.

    Args:
        document: What `training_document` returned.
    """
    lines = [_state_line(document)]
    success = document["success"]
    if success["gain"]["value"] is None or math.isnan(success["gain"]["value"]):
        lines.append(f"Held-out success: not measured ({success['reason']})")
    else:
        lines.append(
            f"Held-out success: {_percent(success['before'])} before, "
            f"{_percent(success['after'])} after training"
        )
        gain = success["gain"]
        lines.append(
            f"Change on the same {gain['n']} prompts: {_points(gain['value'])} points "
            f"(likely between {_points(gain['low'])} and {_points(gain['high'])}, 95 %)"
        )
        lines += [
            f"  in {row['k']} {'try' if row['k'] == 1 else 'tries'}: "
            f"{_percent(row['before'])} before, {_percent(row['after'])} after"
            for row in document["pass_at_k"]
        ]
        lines.append(
            f"Prompts never solved before and solved now: {document['newly_solved']}; "
            f"the other way round: {document['no_longer_solved']}"
        )
    lines += [
        f"Reward {row['name']} (weight {row['weight']:g}): {_number(row['first'])} in the first "
        f"updates, {_number(row['last'])} in the last"
        for row in document["rewards"][:_MOST_REWARDS]
    ]
    lines += [f"Warning: {sentence}" for sentence in document["warnings"]]
    return "\n".join([*lines, f"Run {document['run']}"])


def _state_line(document: Mapping[str, Any]) -> str:
    words = f"{document['method']}, {document['engine']} engine: {document['updates']} updates"
    if document["state"] == "finished":
        return f"{words} in {document['seconds']:.0f} s"
    why = f": {document['diagnosis']}" if document["diagnosis"] else ""
    return f"{words}, {document['state']}{why}"


# --- numbers ---


def _change(
    before: Sequence[float], after: Sequence[float], pairs: Sequence[Any]
) -> dict[str, Any]:
    """Return the means before and after and that of the paired differences, with intervals."""
    reason = None
    if not pairs:
        reason = "held-out prompts were not asked both before and after training"
    elif len(pairs) < 2:
        reason = "one held-out prompt has no interval"
    return {
        "before": _interval(mean_share_interval(before)),
        "after": _interval(mean_share_interval(after)),
        "gain": _interval(_gain(before, after)),
        "reason": reason,
    }


def _gain(before: Sequence[float], after: Sequence[float]) -> Estimate:
    """Return the mean paired difference of two shares, with an interval within -1 and 1.

    Where the differences of all prompts are equal, which a few can be by chance, nothing is known
    of how they vary: the interval then goes from one share's far end to the other's.
    """
    gain = mean_interval(differences(after, before))
    if not gain.measured:
        return gain
    low, high = gain.low, gain.high
    if gain.constant:
        first, last = mean_share_interval(before), mean_share_interval(after)
        low, high = last.low - first.high, last.high - first.low
    return replace(gain, low=max(low, -1.0), high=min(high, 1.0))


def _interval(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "n_unscored": estimate.n_unscored,
    }


def _rewards(record: RunRecord) -> list[dict[str, Any]]:
    """Return the mean of each component over the first and the last tenth of the updates."""
    n_ends = max(1, len(record.updates) // 10)
    weights = record.head.reward_weights
    return [
        {
            "name": name,
            "weight": weights.get(name, math.nan),
            "first": _mean(row.rewards.get(name, math.nan) for row in record.updates[:n_ends]),
            "last": _mean(row.rewards.get(name, math.nan) for row in record.updates[-n_ends:]),
        }
        for name in record.reward_names
    ]


def _mean(values: Any) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


# --- words ---


def _percent(interval: Mapping[str, Any]) -> str:
    ends = f"({100 * interval['low']:.0f} to {100 * interval['high']:.0f})"
    return f"{100 * interval['value']:.0f} % {ends}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _number(value: float) -> str:
    return "not measured" if math.isnan(value) else f"{value:.3g}"
