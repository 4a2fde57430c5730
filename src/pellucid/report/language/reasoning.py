"""Does the stated reasoning matter? One row per test, closed if the instrument itself failed."""

from typing import Any

from pellucid import registry
from pellucid.budget import Cost
from pellucid.explanation import Explanation, Score, TextPair, TextTrace, fact, render
from pellucid.explanation.outside import clip
from pellucid.report.cards import score_document
from pellucid.report.language.record import LanguageRecord
from pellucid.report.language.texts import hashed
from pellucid.report.said import Document, said
from pellucid.stats import proportion_interval

METHOD = "stated-reasoning"
LEAF = "F3"
LONGEST_EXAMPLE = 600
"""Signs of each side of an example."""
DONE = {
    "cut": "the steps were cut short, and it had to answer",
    "mistake": "one step got a mistake, and it went on from there",
    "filler": "every word of the steps became a filler",
    "removal": "one step was left out",
    "paraphrase": "the same steps in other words",
    "hint": "a hint was put behind the prompt",
}
"""What was done in each test."""
UNUSED = (
    "calibration on the planted models failed, so the test is not used",
    "another test of stated reasoning",
)
NOT_MENTIONED = "Used but not mentioned: not mentioning it may be brevity (arXiv 2512.23032)."


def explanations(record: LanguageRecord) -> list[Explanation]:
    """Return the explanations of stated reasoning, or one that says why there is none.

    Where the instrument did not tell planted models apart, what it found is not used.
    """
    if not record.explanations:
        return [_not_measured(record, *record.no_reasoning)]
    if not _told_apart(record.instrument):
        return [_not_measured(record, *UNUSED)]
    return list(record.explanations)


def screen(record: LanguageRecord, first: int, n: int) -> Document:
    """Return the screen: the instrument's own result, the tests, who used what.

    Args:
        record: The run.
        first: Place of the first explanation of stated reasoning in the document.
        n: How many there are.
    """
    instrument = record.instrument
    closed = bool(record.explanations) and not _told_apart(instrument)
    shown = [] if closed else list(record.explanations)
    return {
        "explanations": list(range(first, first + n)),
        "instrument": None if instrument is None else score_document(instrument),
        "told_apart": _told_apart(instrument),
        "closed": closed,
        "told": _instrument_words(instrument, closed=closed),
        "tests": [
            row
            for i, e in enumerate(shown)
            for row in _tests(e, first + i, hashed_texts=record.hashed)
        ],
        "traces": [_trace(e.content) for e in shown if isinstance(e.content, TextTrace)],
    }


def _told_apart(instrument: Score | None) -> bool:
    return instrument is not None and instrument.gap.low > 0


def _instrument_words(instrument: Score | None, *, closed: bool) -> Document:
    if instrument is None:
        return said(
            "The tests themselves were not tried on models whose truth is known{more}.",
            more=", so their results are not shown" if closed else "",
        )
    auc = instrument.interval
    if not auc.measured:
        return said("The tests themselves were not tried: {reason}.", reason=instrument.reason)
    facts = {"v": 100 * auc.value, "lo": 100 * auc.low, "hi": 100 * auc.high, "n": auc.n}
    if closed:
        return said(
            "This screen is closed: on planted models these tests did not tell faithful "
            "reasoning from unfaithful reasoning ({v} % of pairs, {lo} to {hi}; {n} seeds; chance "
            "is {c} %).",
            **facts,
            c=50,
        )
    return said(
        "On planted models the tests told faithful reasoning from unfaithful reasoning in {v} % "
        "of pairs ({lo} to {hi}; {n} seeds; chance is {c} %).",
        **facts,
        c=50,
    )


def _tests(explanation: Explanation, place: int, *, hashed_texts: bool) -> list[Document]:
    """One row per test: where its score is in the document, what was done, an example."""
    rows: list[Document] = []
    for position, score in enumerate(explanation.faithfulness):
        if score.role == "sanity":
            continue
        rows.append(
            {
                "explanation": place,
                "score": position,
                "done": DONE.get(score.metric.rpartition(".")[2], score.label),
                "example": _example(score.example, hashed_texts=hashed_texts),
            }
        )
    return rows


def _example(pair: TextPair | None, *, hashed_texts: bool) -> Document | None:
    if pair is None:
        return None
    texts = {
        "before": pair.before,
        "after": pair.after,
        "answer_before": pair.answer_before,
        "answer_after": pair.answer_after,
    }
    return {
        name: hashed(text) if hashed_texts else clip(text, LONGEST_EXAMPLE)
        for name, text in texts.items()
    }


def _trace(content: TextTrace) -> Document:
    return {
        "quadrants": _cells(
            content.quadrants,
            ("wrong", "right"),
            ("does not depend on its steps", "depends on its steps"),
        ),
        "hints": _cells(
            content.hint_counts, ("hint not used", "hint used"), ("not mentioned", "mentioned")
        )
        if content.hints
        else [],
        "not_mentioned": NOT_MENTIONED,
    }


def _cells(counts: Any, rows: tuple[str, str], columns: tuple[str, str]) -> list[Document]:
    n = int(counts.sum())
    cells = []
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            share = proportion_interval(int(counts[i, k]), n)
            cells.append(
                {
                    "row": row,
                    "column": column,
                    "count": int(counts[i, k]),
                    "n": n,
                    "value": 100.0 * share.value,
                    "low": 100.0 * share.low,
                    "high": 100.0 * share.high,
                }
            )
    return cells


def _not_measured(record: LanguageRecord, reason: str, need: str) -> Explanation:
    info = registry.load("explainers", METHOD).info
    facts = {"reason": fact(reason), "need": fact(need)}
    template = info.sentences.not_measured
    return Explanation(
        method=METHOD,
        leaf=LEAF,
        question=info.question,
        target=info.targets[0],
        policy="greedy",
        content=None,
        template=template,
        text=render(template, facts),
        does_not_say="",
        facts=facts,
        allowed=Cost(),
        used=Cost(),
        seed=record.seed,
        complete=False,
        reason=reason,
        need=need,
    )
