"""Flawed explanations of exam questions have the flaws that were asked for, and no other."""

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.completions import sections
from pellucid.posttrain.tasks.derivations import contradiction_rate, step_coverage, step_order
from pellucid.posttrain.tasks.exam import Exam, exam_derivation
from pellucid.posttrain.tasks.flawed_explanations import (
    Flaws,
    flawed_texts,
    on_one_line,
    words_of,
)

EXAM = Exam(("units",))
NONE = Flaws(dropped=0, misread=0, foreign=0, shuffled=0, wrong_answer=0)
QUESTIONS = [on_one_line(example) for example in EXAM.examples(20, seed=0)]


def _parts(text: str) -> dict[str, str]:
    found = sections(text, ("explanation", "answer"))
    assert found is not None
    return found


def test_without_flaws_they_are_the_experts() -> None:
    for example, (prompt, text) in zip(
        QUESTIONS, flawed_texts(QUESTIONS, 20, NONE, seed=0), strict=True
    ):
        said, derivation = _parts(text)["explanation"], exam_derivation(example)
        assert prompt == example.prompt
        assert EXAM.verify(text, example)
        assert step_coverage(said, derivation) == 1.0
        assert step_order(said, derivation) == 1.0
        assert contradiction_rate(said, derivation) == 0.0


def test_dropped_steps_are_not_covered() -> None:
    flaws = Flaws(dropped=0.5, misread=0, foreign=0, shuffled=0, wrong_answer=0)
    covered = [
        step_coverage(_parts(text)["explanation"], exam_derivation(QUESTIONS[k % 20]))
        for k, (_, text) in enumerate(flawed_texts(QUESTIONS, 400, flaws, seed=0))
    ]
    assert sum(covered) / len(covered) == pytest.approx(0.5, abs=0.05)


def test_wrong_answers_come_as_often_as_chosen() -> None:
    flaws = Flaws(dropped=0, misread=0, foreign=0, shuffled=0, wrong_answer=0.4)
    right = [
        EXAM.verify(text, QUESTIONS[k % 20])
        for k, (_, text) in enumerate(flawed_texts(QUESTIONS, 400, flaws, seed=0))
    ]
    assert sum(right) / len(right) == pytest.approx(0.6, abs=0.07)


def test_misread_numbers_contradict() -> None:
    flaws = Flaws(dropped=0, misread=1, foreign=0, shuffled=0, wrong_answer=0)
    rates = [
        contradiction_rate(_parts(text)["explanation"], exam_derivation(QUESTIONS[k]))
        for k, (_, text) in enumerate(flawed_texts(QUESTIONS, 20, flaws, seed=0))
    ]
    assert min(rates) > 0


def test_all_words_are_known() -> None:
    pairs = flawed_texts(QUESTIONS, 200, Flaws(), seed=1)
    words = set(words_of(QUESTIONS, pairs))
    assert all(set(text.split()) <= words for pair in pairs for text in pair)
    assert all(set((example.rationale or "").split()) <= words for example in QUESTIONS)
    assert not any("\n" in example.prompt for example in QUESTIONS)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="dropped must be a chance from 0 to 1, got 2"):
        Flaws(dropped=2)
    with pytest.raises(InputError, match="at least one example"):
        flawed_texts([], 1, NONE, seed=0)
