"""The four badges on the page: the printed rule gives them again, and sentences keep to them."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from pellucid.explanation import Interval
from pellucid.faithfulness.badges import PRECEDENCE, judge
from pellucid.faithfulness.thresholds import UNITS_FOR_SUPPORTED, UNITS_FOR_WEAK
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from tests.contracts.test_registered import FORBIDDEN
from tests.report import lunar
from tests.report.steps import seen_record

SURE = r"\b(drives|costs|decided)\b"


def by_the_printed_rule(score: dict[str, Any], *, complete: bool, rerun_possible: bool) -> str:
    """The badge of a score of `report.json`, from the words of the rule and nothing else."""
    gap, n = score["gap"], score["n"]
    if gap["value"] is None or n < UNITS_FOR_WEAK:
        return "not_measured"
    if gap["value"] <= 0:
        return "failed"
    reaches = gap["low"] is None or gap["low"] <= 0
    skipped = rerun_possible and not score["closed_loop"]
    if reaches or n < UNITS_FOR_SUPPORTED or not (complete and score["complete"]) or skipped:
        return "weak"
    return "supported"


@pytest.fixture(scope="module")
def made() -> tuple[Any, str]:
    record = seen_record()
    document = build_document(record)
    return document, render_html(record, document, json_sha256="0" * 64)


def test_all_four_badges_are_there(made: Any) -> None:
    shown = {e["badge"] for e in made[0]["explanations"]}
    assert shown == set(PRECEDENCE)


def test_the_printed_rule_gives_every_badge_again(made: Any) -> None:
    document, _ = made
    n_scores = 0
    for explanation in document["explanations"]:
        for score in explanation["faithfulness"]:
            if score["role"] == "sanity":
                continue
            n_scores += 1
            again = by_the_printed_rule(
                score, complete=explanation["complete"], rerun_possible=document["environment"]
            )
            assert again == score["badge"], (explanation["method"], score["metric"])
    assert n_scores >= 4


@pytest.mark.parametrize(
    "gap", [(5.0, 1.0, 9.0), (5.0, -1.0, 11.0), (0.0, -1.0, 1.0), (-3.0, -4.0, -2.0)]
)
@pytest.mark.parametrize("n", [3, 5, 9, 10, 20])
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("closed", [True, False])
def test_the_rule_as_printed_is_the_rule_that_judges(
    gap: Any, n: int, complete: bool, closed: bool
) -> None:
    score = replace(
        lunar.supported().faithfulness[0],
        interval=Interval(1.0, 0.5, 1.5, n),
        gap=Interval(*gap, n),
        closed_loop=closed,
        complete=complete,
    )
    judged = judge(score, complete=True, rerun_possible=True)
    shown = {
        "gap": {"value": gap[0], "low": gap[1], "high": gap[2]},
        "n": n,
        "closed_loop": closed,
        "complete": complete,
    }
    assert by_the_printed_rule(shown, complete=True, rerun_possible=True) == judged.badge


def test_the_decisive_badge_is_never_above_that_of_its_test(made: Any) -> None:
    for explanation in made[0]["explanations"]:
        scores = {s["metric"]: s["badge"] for s in explanation["faithfulness"]}
        if explanation["decisive"] is not None:
            least = PRECEDENCE.index(scores[explanation["decisive"]])
            assert PRECEDENCE.index(explanation["badge"]) <= least


def cards(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for badge, card in re.findall(
        r'<article class="card ([\w-]+)"(.*?)</article>', page, re.DOTALL
    ):
        found.setdefault(badge, []).append(card)
    return found


def words_of(markup: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", markup))


def test_no_sentence_sounds_surer_than_its_badge(made: Any) -> None:
    shown = cards(made[1])
    answers = {
        badge: [
            words_of(re.search(r'<p class="answer(?: cross)?">(.*?)</p>', c, re.DOTALL)[1])
            for c in found
        ]  # type: ignore[index]
        for badge, found in shown.items()
    }
    for badge in ("weak", "failed", "not-measured"):
        for answer in answers[badge]:
            assert not re.search(
                SURE, answer.replace("hiding the top-ranked one costs no more", "")
            )
    assert all("could be zero" in a or "may" in a for a in answers["weak"])
    assert all("could not show" in a for a in answers["failed"])
    assert all("was not tested" in a for a in answers["not-measured"])
    assert all("This does not say" in c for found in shown.values() for c in found)


def test_forbidden_words_do_not_occur(made: Any) -> None:
    body = made[1][made[1].index("<main") :]
    prose = words_of(re.sub(r"<(script|style|code).*?</\1>", " ", body, flags=re.DOTALL))
    assert [w for w in FORBIDDEN if re.search(rf"\b{w}\b", prose)] == []


def test_what_was_not_measured_gives_its_reason_and_its_need(made: Any) -> None:
    document, page = made
    (card,) = cards(page)["not-measured"]
    (explanation,) = [e for e in document["explanations"] if e["badge"] == "not_measured"]
    for text in (explanation["reason"], explanation["need"]):
        assert text
        assert text in words_of(card).replace("  ", " ")


def test_numbers_of_a_failed_card_are_closed_and_its_chart_is_crossed(made: Any) -> None:
    (card,) = cards(made[1])["failed"]
    face, _, rest = card.partition("<details>")
    assert 'class="shape"' in face
    assert "<figure" not in face
    assert re.search(r'<div class="crossed">.*?<figure', rest, re.DOTALL)
