"""The first screen as data: what it can do that it could not, and what paid for it."""

import math
from collections.abc import Sequence

from pellucid.explanation import Interval
from pellucid.explanation.wording import Fact
from pellucid.report.language.gain import PassRow
from pellucid.report.language.progress import (
    GOLD,
    TOTAL,
    Trend,
    Watched,
    course,
    rose_alone,
    trends,
    watched,
)
from pellucid.report.language.record import LanguageRecord
from pellucid.report.overview import BADGE_ORDER, n_tests
from pellucid.report.said import Document, listing, said

MAX_POINTS = 120
MOST_NAMED = 3
"""Reward terms named in the warning; all are in the table."""
STATES = {
    "running": "Still running: {k} updates are recorded{planned}.",
    "interrupted": "Interrupted after {k} updates{planned}; badges are lowered to weak.",
    "stopped": "Training stopped by itself after {k} updates{planned}: {why}.",
    "failed": "Training failed after {k} updates{planned}: {why}.",
}


def summary(record: LanguageRecord, document: Document, passes: Sequence[PassRow]) -> Document:
    """Return the Summary.

    Args:
        record: The run.
        document: The document so far; its explanations are read.
        passes: Success when the best of several answers counts.
    """
    explanations = document["explanations"]
    found = trends(record)
    counts = {badge: sum(e["badge"] == badge for e in explanations) for badge in BADGE_ORDER}
    return {
        "badges": counts,
        "n_explanations": len(explanations),
        "n_tests": n_tests(explanations),
        "findings": _findings(explanations),
        "nothing_passed": counts["supported"] == 0,
        "passes": [_pass_row(row) for row in passes],
        "terms": [_trend(trend) for trend in found],
        "gold_measured": bool(len(found[-1].values)) and found[-1].late.measured,
        "hacking": _alone(rose_alone(found), found[-1]),
        "courses": [
            _trend(course(record, lambda u: u.kl, "divergence from the reference (nats)")),
            _trend(course(record, lambda u: u.entropy, "uncertainty per token (nats)")),
            _trend(course(record, lambda u: u.mean_length, "tokens per answer")),
        ],
        "watched": [_watch(row) for row in watched(record)],
    }


def banner(record: LanguageRecord) -> str:
    """Return the sentence that comes first unless the run is finished; else nothing."""
    run = record.run
    if run.state == "finished":
        return _nothing(record)
    planned = f" of {run.head.n_updates}" if run.head.n_updates else ""
    why = run.diagnosis.rstrip(".") or "no reason was recorded"
    return STATES[run.state].format(k=len(run.updates), planned=planned, why=why)


def _nothing(record: LanguageRecord) -> str:
    run = record.run
    if run.updates or run.samples or run.evaluations:
        return ""
    return "Nothing was recorded: no update, no answer and no evaluation."


def cannot_tell(record: LanguageRecord) -> list[Document]:
    """Return three to six sentences on what this report cannot tell."""
    run = record.run
    told = []
    if run.samples:
        told.append(
            said(
                "It rests on {n} kept answers of {k} steps; answers that were not kept were not "
                "read.",
                n=len(run.samples),
                k=len({s.step for s in run.samples}),
            )
        )
    lacking = [
        name for name in ("updates", "samples", "tokens", "evaluations") if name in run.absent
    ]
    words = {
        "updates": "the training log",
        "samples": "answers",
        "tokens": "tokens with what the update did to them",
        "evaluations": "held-out evaluations",
    }
    if lacking:
        told.append(
            said(
                "This source lacks {what}; what needs them is not measured.",
                what=listing([words[name] for name in lacking]),
            )
        )
    told.append(said("Whether the right answers that were recorded as right are right."))
    told.append(said("What another seed would have given: this is one run."))
    told.append(said("Whether the model is safe, or what it does on other kinds of prompts."))
    return told


# --- parts ---


def _findings(explanations: Sequence[Document]) -> list[int]:
    """All of them, worst news never left out: there are few, and their order is fixed."""
    return list(range(len(explanations)))


def estimate(interval: Interval, scale: float = 1.0) -> Document:
    """Return an estimate as the document has it."""
    return {
        "value": scale * interval.value,
        "low": scale * interval.low,
        "high": scale * interval.high,
        "n": interval.n,
        "n_unscored": interval.n_unscored,
    }


def _pass_row(row: PassRow) -> Document:
    return {
        "k": row.k,
        "before": estimate(row.before),
        "after": estimate(row.after),
        "gap": estimate(row.gap),
    }


def _trend(trend: Trend) -> Document:
    scale = 100.0 if trend.name == GOLD else 1.0
    every = max(1, -(-len(trend.steps) // MAX_POINTS))
    kept = sorted(
        {*range(0, len(trend.steps), every), *([len(trend.steps) - 1] * bool(trend.steps))}
    )
    return {
        "name": trend.name,
        "is_term": trend.name not in (GOLD, TOTAL),
        "weight": trend.weight,
        "early": estimate(trend.early, scale),
        "late": estimate(trend.late, scale),
        "change": estimate(trend.change, scale),
        "unit": trend.unit,
        "percent": trend.name == GOLD,
        "steps": [trend.steps[i] for i in kept],
        "values": [scale * float(trend.values[i]) for i in kept],
    }


def _alone(alone: Sequence[Trend], gold: Trend) -> list[Document]:
    """Return one sentence on the rewards that rose without right answers; none if none did."""
    if not alone:
        return []
    facts: dict[str, Fact | float | int | str] = {
        "g": 100.0 * gold.change.value,
        "lo": 100.0 * gold.change.low,
        "hi": 100.0 * gold.change.high,
    }
    parts = []
    for i, trend in enumerate(alone[:MOST_NAMED]):
        facts |= {f"t{i}": trend.name, f"d{i}": trend.change.value}
        facts |= {f"l{i}": trend.change.low, f"h{i}": trend.change.high}
        parts.append(f"**{{t{i}}}** by {{d{i}}} ({{l{i}}} to {{h{i}}})")
    return [
        said(
            f"**Rewards rose and right answers did not clearly rise** ({{g}} points, {{lo}} to "
            f"{{hi}}): {listing(parts)}.",
            **facts,
        )
    ]


def _watch(row: Watched) -> Document:
    return {
        "name": row.name,
        "count": row.n,
        "of": row.of,
        "what": row.what,
        "unit": row.unit,
        "means": row.means,
        "share": estimate(row.share, 100.0) if row.n is not None else estimate(row.share, math.nan),
    }
