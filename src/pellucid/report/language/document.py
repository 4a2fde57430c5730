"""The report on a training run as data: everything that its page shows is in `report.json`.

The keys that every report has keep their names (`run`, `report`, `explanations`, `warnings`).
"""

import math
from collections.abc import Sequence

from pellucid import __version__
from pellucid.explanation import Explanation
from pellucid.explanation.plots import DotChart, DotRow
from pellucid.explanation.rendering import interval_words
from pellucid.report import trust
from pellucid.report.cards import card
from pellucid.report.document import HTML_NAME
from pellucid.report.language import findings, reasoning
from pellucid.report.language.answers import Limits
from pellucid.report.language.contexts import contexts
from pellucid.report.language.credit import token_credit
from pellucid.report.language.gain import held_out, pass_rows
from pellucid.report.language.made import made
from pellucid.report.language.overview import banner, cannot_tell, estimate, summary
from pellucid.report.language.record import LanguageRecord
from pellucid.report.language.samples import samples
from pellucid.report.language.terms import TermShares, reward_terms, term_shares
from pellucid.report.language.tokens import token_screen
from pellucid.report.said import Document, plain

SCHEMA = 1
KIND = "language-model"
ROW_LABELS = {
    "held-out-gain": "after training",
    "reward-and-success": "late in training",
    "reward-terms": "the term named",
    "token-credit": "as recorded",
    "stated-reasoning": "its own reasoning",
}
"""What the dot in the chart of a finding's test is called."""


def build_document(record: LanguageRecord, limits: Limits | None = None) -> Document:
    """Return the report as one strict-JSON object.

    Args:
        record: One run of `explain`.
        limits: How much of the texts is in it.
    """
    shares = term_shares(record)
    made_here = [
        findings.gain(record),
        findings.together(record),
        reward_terms(record, shares),
        token_credit(record),
    ]
    asked = reasoning.explanations(record)
    document = _document(record, [*made_here, *asked])
    document["summary"] = summary(record, document, pass_rows(held_out(record.run)))
    document["samples"] = samples(record, limits or Limits())
    document["terms"] = _terms(record, shares)
    document["tokens"] = token_screen(record)
    document["reasoning"] = reasoning.screen(record, len(made_here), len(asked))
    document["contexts"] = contexts(record, limits or Limits())
    document["made"] = made(record)
    document["trust"] = {
        "cannot_tell": cannot_tell(record),
        **trust.parts_of_trust(
            document,
            units="prompts, groups of answers or updates",
            rerun="the model was not asked again",
        ),
    }
    return plain(document | {"words": [], "methods": []})  # type: ignore[no-any-return]


def _document(record: LanguageRecord, explanations: Sequence[Explanation]) -> Document:
    run = record.run
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "written_by": f"pellucid {__version__}",
        "title": _title(record),
        "run": run.head.run_id,
        "report": HTML_NAME,
        "state": run.state,
        "banner": banner(record),
        "time": run.head.time,
        "command": record.command,
        "seed": record.seed,
        "source": {"name": record.source, "kind": record.source_kind},
        "hashed": record.hashed,
        "explanations": [_card(e, i) for i, e in enumerate(explanations)],
        "warnings": [*record.warnings, *run.warnings],
        "left_out": [],
        "versions": dict(record.versions),
        "hashes": {**run.head.hashes, **record.hashes},
    }


def _title(record: LanguageRecord) -> str:
    method = record.run.head.method
    return f"Training by {method}" if method else "Training run"


def _card(explanation: Explanation, position: int) -> Document:
    document = card(explanation, position, "points")
    chart = document["test_chart"]
    if chart is not None and explanation.method in ROW_LABELS:
        chart["rows"][0]["label"] = ROW_LABELS[explanation.method]
    return document


def _terms(record: LanguageRecord, found: TermShares) -> Document:
    shares, weights = found.shares, record.run.head.reward_weights
    rows = [
        {"name": name, "weight": weights.get(name, 1.0), "share": estimate(mean)}
        for name, mean in zip(shares.names, found.means, strict=True)
    ]
    chart = DotChart(
        title="Share of the advantage by term",
        sentence="; ".join(
            f"{name} {interval_words(mean.value, mean.low, mean.high)} %"
            for name, mean in zip(shares.names, found.means, strict=True)
        ),
        unit="%",
        left="← against the others",
        right="moves it →",
        rows=tuple(
            sorted(
                (
                    DotRow(name, mean.value, mean.low, mean.high)
                    for name, mean in zip(shares.names, found.means, strict=True)
                ),
                key=lambda row: -row.value,
            )
        ),
    )
    total = math.fsum(mean.value for mean in found.means) if found.means else math.nan
    return {
        "rows": rows,
        "chart": {"form": chart.form, **plain(chart)} if len(shares.values) else None,
        "sum": total,
        "weights_known": bool(weights),
        "n_groups": len(shares.values),
        "n_without_signal": shares.n_without_signal,
        "n_unusable": shares.n_unusable,
        "n_answers": shares.n_answers,
        "n_off": shares.n_off,
        "worst": shares.worst,
    }
