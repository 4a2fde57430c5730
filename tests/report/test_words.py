"""The last screen: the words that the page uses, and no others, each in one sentence."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.words import _MEANINGS, MOST_WORDS, words_of
from tests.contracts.test_registered import FORBIDDEN
from tests.explanation.test_trees import content
from tests.report import lunar
from tests.report.test_html import STATES

LONGEST = 25


def parts(**more: Any) -> tuple[dict[str, Any], str, str]:
    """Return the document, the words of the page before this screen, and this screen."""
    record = lunar.lunar_record(**more)
    document = build_document(record)
    page = render_html(record, document, json_sha256="0" * 64)
    start = page.find('<section id="words"')
    before, screen = (page[:start], page[start:]) if start >= 0 else (page, "")
    shown = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]+>", " ", before, flags=re.DOTALL)
    return document, unescape(shown), screen


@pytest.mark.parametrize("state", [s for s in STATES if s != "no episode"])
def test_words_that_occur_are_explained_and_no_others(state: str) -> None:
    document, before, screen = parts(**STATES[state])
    terms = {word["term"] for word in document["words"]}
    occurring = {t for t, (p, _) in _MEANINGS.items() if re.search(rf"\b(?:{p})\b", before)}
    assert terms <= occurring
    assert len(terms) == min(MOST_WORDS, len(occurring))
    assert screen.count("<dt>") == len(terms)


def test_a_tree_brings_its_words_and_logs_leave_out_what_they_lack() -> None:
    tree = replace(lunar.supported(), content=content(), question="Can rules stand in for it?")
    few = {"explanations": (tree,), "with_frames": False}
    with_tree = {word["term"] for word in parts(**few)[0]["words"]}
    assert {"leaf", "stand-in"} <= with_tree
    without = {word["term"] for word in parts(**few | {"explanations": ()})[0]["words"]}
    assert not {"leaf", "stand-in"} & without
    assert {"agent", "episode", "return"} <= without


@pytest.mark.parametrize("term", list(_MEANINGS))
def test_each_meaning_is_one_short_sentence_in_plain_words(term: str) -> None:
    _, meaning = _MEANINGS[term]
    assert meaning.endswith(".")
    assert meaning.count(".") == 1
    assert len(re.findall(r"[\w'{}-]+", meaning)) <= LONGEST
    assert not [word for word in FORBIDDEN if re.search(rf"\b{word}\b", meaning)]


@pytest.mark.parametrize("term", list(_MEANINGS))
def test_every_term_is_found_by_its_own_name(term: str) -> None:
    assert term in [w["term"] for w in words_of(f"<main><p>One {term} here.</p>")]
    assert words_of("<main><p>Nothing.</p><svg><text>seed</text></svg>") == []


def test_survey_leaf_is_no_leaf_of_a_tree() -> None:
    assert words_of("<main>survey leaf C2") == []


def test_method_names_and_codes_stand_only_here_in_details_and_in_commands() -> None:
    record = lunar.lunar_record()
    page = render_html(record, build_document(record), json_sha256="0" * 64)
    start, stop = page.index('<section id="words"'), page.index('<script type="application/json"')
    here = page[start:stop]
    rest = page[page.index("<main") : start]
    rest = re.sub(r"<details>.*?</details>|<code>.*?</code>|<[^>]+>", " ", rest, flags=re.DOTALL)
    for explanation in record.explanations:
        assert f"<code>{explanation.method}</code>" in here
        assert f"<code>{explanation.leaf}</code>" in here
        assert not re.search(rf"(?<![\w-]){re.escape(explanation.method)}(?![\w-])", rest)
        assert not re.search(rf"\b{explanation.leaf}\b", rest)


def test_each_method_is_named_once_with_what_its_family_does() -> None:
    document, _, _ = parts(explanations=(lunar.supported(), lunar.supported(), lunar.weak()))
    assert [(m["method"], m["leaf"], m["family"]) for m in document["methods"]] == [
        ("shapley", "C2", "explains by states and inputs"),
        ("why-not", "A2c", "explains the agent itself"),
    ]
    odd = replace(lunar.supported(), leaf="?<b>")
    document, _, screen = parts(explanations=(odd,))
    assert document["methods"][0]["family"] == "outside the survey"
    assert "<b>" not in screen


def test_without_an_episode_there_is_no_such_screen() -> None:
    document, _, screen = parts(**STATES["no episode"])
    assert (document["words"], screen) == ([], "")
