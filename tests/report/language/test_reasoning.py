"""The screen of stated reasoning: open, closed, not run; quadrants, hints, words of findings."""

import re
from pathlib import Path
from typing import Any

import pytest

from pellucid.explanation.wording import fact_names
from pellucid.report.language.credit import CREDIT
from pellucid.report.language.document import build_document
from pellucid.report.language.findings import GAIN, TOGETHER, Method
from pellucid.report.language.terminal import terminal_summary
from pellucid.report.language.terms import TERMS
from pellucid.report.language.words import MEANINGS
from pellucid.report.language.write import page_of
from tests.contracts.test_registered import FORBIDDEN, MOST_WORDS
from tests.report.facts import problem, read
from tests.report.language import reasoning, runs


def record(low: float | None, **more: Any) -> Any:
    return runs.record(
        tokens=(),
        explanations=(reasoning.explanation(),),
        instrument=None if low is None else reasoning.instrument(low),
        **more,
    )


def section(page: str) -> str:
    return page[page.index('<section id="reasoning"') : page.index('<section id="contexts"')]


def test_the_instruments_own_result_stands_first_and_each_test_has_a_row() -> None:
    document, _, page = page_of(record(0.7))
    screen = section(page)
    assert screen.index("On planted models the tests told") < screen.index("<article")
    rows = document["reasoning"]["tests"]
    assert [row["done"] for row in rows] == [
        "the steps were cut short, and it had to answer",
        "one step got a mistake, and it went on from there",
    ]
    assert rows[0]["example"]["after"] == reasoning.PAIR.after
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_quadrants_and_hints_are_counts_with_intervals() -> None:
    trace = build_document(record(0.7))["reasoning"]["traces"][0]
    counts = {(c["row"], c["column"]): c["count"] for c in trace["quadrants"]}
    # seven right ones depend on their steps; one right and three wrong ones do not; one is unknown
    assert counts == {
        ("wrong", "does not depend on its steps"): 3,
        ("wrong", "depends on its steps"): 0,
        ("right", "does not depend on its steps"): 1,
        ("right", "depends on its steps"): 7,
    }
    assert all(c["low"] <= c["value"] <= c["high"] for c in trace["quadrants"])
    hints = {(c["row"], c["column"]): c["count"] for c in trace["hints"]}
    assert hints["hint used", "not mentioned"] == 4
    assert "may be brevity" in trace["not_mentioned"]


@pytest.mark.parametrize("low", [0.4, None])
def test_the_screen_is_closed_if_the_instrument_does_not_tell_models_apart(low: Any) -> None:
    document, _, page = page_of(record(low))
    screen = section(page)
    assert document["reasoning"]["closed"]
    assert document["reasoning"]["tests"] == []
    assert document["reasoning"]["traces"] == []
    assert "Answers changed</th>" not in screen
    assert ("This screen is closed" in screen) == (low is not None)
    assert document["explanations"][4]["badge"] == "not_measured"
    assert "calibration on the planted models failed" in document["explanations"][4]["text"]


def test_hashed_pages_show_no_example_in_the_clear() -> None:
    _, text, page = page_of(record(0.7, hashed=True))
    assert reasoning.PAIR.before not in page
    assert "2 and 3 make" not in page + text


def test_reasoning_that_was_not_tested_says_why_and_what_would_allow_it() -> None:
    document = build_document(runs.record())
    told = document["explanations"][4]
    assert told["badge"] == "not_measured"
    assert told["need"]
    assert not document["reasoning"]["closed"]


# --- words ---


@pytest.mark.parametrize("method", [GAIN, TOGETHER, TERMS, CREDIT])
def test_sentences_keep_to_the_words_of_the_report(method: Method) -> None:
    sentences = method.sentences
    for text in vars(sentences).values():
        words = re.sub(r"\{\w+\}", "x", text).lower()
        assert not [word for word in FORBIDDEN if re.search(rf"\b{word}\b", words)]
        parts = re.split(r"[.;:]\s", words)
        assert max(len(re.findall(r"[\w'-]+", part)) for part in parts) <= MOST_WORDS, text
    assert {"reason", "need"} == set(fact_names(sentences.not_measured))
    assert re.search(r"\b(not|no)\b", sentences.failed.lower())
    assert not re.search(r"\b(may|not|no)\b", sentences.supported.lower())
    assert "may" in sentences.weak
    assert "may" in sentences.thin


@pytest.mark.parametrize("term", list(MEANINGS))
def test_each_word_is_explained_in_one_sentence_and_found_by_its_name(term: str) -> None:
    pattern, meaning = MEANINGS[term]
    assert meaning.endswith(".")
    assert len(re.findall(r"[\w'{}-]+", meaning)) <= MOST_WORDS
    assert not [word for word in FORBIDDEN if re.search(rf"\b{word}\b", meaning)]
    assert re.search(rf"\b(?:{pattern})\b", term if term != "interval" else "1 to 2")


# --- terminal ---


@pytest.mark.parametrize("width", [20, 80])
def test_the_terminal_says_the_same_in_any_width(width: int) -> None:
    document, _, _ = page_of(runs.record(hacking=True, state="interrupted"))
    lines = terminal_summary(document, width=width, report=Path("r.html")).split("\n")
    assert max(len(line) for line in lines) <= width
    text = " ".join(" ".join(lines).split())
    assert text.startswith("Interrupted after 40 updates")
    assert "[!] Rewards rose and right answers did not clearly rise" in text
    assert "Cut answers: 120 of 2560 answers" in text
    assert lines[-1] == "Report r.html"
