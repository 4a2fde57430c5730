"""Explanations in a notebook and in a shell."""

import re
from dataclasses import replace

import pytest

from pellucid.explanation.rendering import explanation_fragment, without_marks, words_of_test
from tests.explanation.contents import contents
from tests.report import lunar

ALL = (lunar.supported, lunar.critical, lunar.weak, lunar.failed, lunar.unmeasured)
EXPECTED = """\
[+] supported: Which inputs drive its choices?
    Horizontal position drives its choices: hiding it costs 148 points (121 to
    176); hiding a random input costs 12.3.
    tested by hiding the top input and playing on, n 20; hiding a random ...
    This does not say that changing horizontal position in the world would
    change the result the same way
    shapley, most-likely actions, 9120 queries, 61400 environment steps"""


def test_the_form_of_the_text() -> None:
    assert repr(lunar.supported()) == EXPECTED


@pytest.mark.parametrize("made", ALL)
def test_text_keeps_to_eight_lines_of_eighty_columns(made: object) -> None:
    long = replace(made(), question="why " * 99, text="so " * 999, does_not_say="that " * 99)  # type: ignore[operator]
    for explanation in (made(), long):  # type: ignore[operator]
        lines = repr(explanation).splitlines()
        assert len(lines) <= 8
        assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("made", ALL)
def test_the_fragment_is_small_and_needs_no_trust(made: object) -> None:
    html = made()._repr_html_()  # type: ignore[operator]
    assert len(html.encode()) <= 50_000
    assert not re.search(r"<script|<iframe|<link|<object|\son\w+=|http://(?!www\.w3)", html)
    rules = re.search("<style>(.*?)</style>", html)
    assert rules is not None
    selectors = [r.partition("{")[0] for r in rules[1].split("}") if r]
    assert all(s.startswith(".pellucid-answer") for s in selectors)
    assert "background:transparent" in rules[1]
    assert "color:inherit" in rules[1]


def test_the_fragment_holds_question_answer_badge_chart_and_limit() -> None:
    html = lunar.supported()._repr_html_()
    for part in ("Which inputs drive its choices?", "148", ">supported</b>", 'role="img"',
                 "This does not say"):  # fmt: skip
        assert part in html
    assert html.count('role="img"') == 1


def test_a_failed_explanation_shows_no_chart() -> None:
    assert 'role="img"' not in lunar.failed()._repr_html_()


def test_contents_with_nothing_to_draw_show_their_test() -> None:
    nothing = contents()["counterfactual_states"]
    html = explanation_fragment(replace(lunar.supported(), content=nothing))
    assert html.count('role="img"') == 1
    assert "this explanation" in html


def test_the_report_is_named_if_there_is_one() -> None:
    named = replace(lunar.supported(), provenance={"report": "runs/x/report.html"})
    assert "<code><bdi>runs/x/report.html</bdi></code>" in explanation_fragment(named)


def test_emphasis_marks_become_bold_or_vanish() -> None:
    marked = replace(lunar.supported(), text="**height** drives it")
    assert "<b>height</b> drives it" in explanation_fragment(marked)
    assert without_marks(marked.text) == "height drives it"


def test_units_that_could_not_be_scored_are_told() -> None:
    explanation = lunar.supported()
    score = explanation.faithfulness[0]
    partial = replace(score, interval=replace(score.interval, n_unscored=3))
    assert "n 20 (3 unscored)" in words_of_test(replace(explanation, faithfulness=(partial,)))
    assert words_of_test(lunar.unmeasured()) == "not tested"
