"""What a text says of a derivation, by hand, and that every expert says all of it."""

import itertools
import math
from dataclasses import replace

import pytest

from pellucid.errors import DataError, InputError
from pellucid.posttrain.completions import sections
from pellucid.posttrain.tasks import (
    Addition,
    Derivation,
    Exam,
    Step,
    contradiction_rate,
    exam_derivation,
    exam_example,
    load_exam,
    step_coverage,
    step_order,
)

MASS = Step(
    "data",
    ("the mass is 12 grams", "12 grams of mass"),
    (("mass", "grams"),),
    frozenset({"12"}),
)
VOLUME = Step("data", ("the volume is 4 litres",), (("volume", "litres"),), frozenset({"4"}))
RESULT = Step(
    "result",
    ("so the density is 3",),
    (("so", "density"), ("hence", "density")),
    frozenset({"3"}),
    frozenset({"unknown"}),
)
DERIVATION = Derivation((MASS, VOLUME, RESULT))


def test_coverage_is_the_share_of_steps_said() -> None:
    assert step_coverage(DERIVATION.written(), DERIVATION) == 1.0
    assert step_coverage("12 grams of mass. hence the density is 3.", DERIVATION) == 2 / 3
    assert step_coverage("", DERIVATION) == 0.0


def test_a_step_needs_its_words_in_one_sentence() -> None:
    assert step_coverage("the mass. 12 grams.", DERIVATION) == 0.0
    assert step_coverage("the masses are 12 grams.", DERIVATION) == 0.0


def test_order_counts_pairs() -> None:
    backwards = "so the density is 3. the volume is 4 litres. the mass is 12 grams."
    assert step_order(backwards, DERIVATION) == 0.0
    one_pair_wrong = "the volume is 4 litres. the mass is 12 grams. so the density is 3."
    assert step_order(one_pair_wrong, DERIVATION) == 2 / 3
    assert math.isnan(step_order("the mass is 12 grams.", DERIVATION))


def test_contradictions_are_other_values_in_the_place_of_a_fact() -> None:
    text = "the mass is 15 grams. the volume is 4 litres. so the density is unknown. a remark."
    assert contradiction_rate(text, DERIVATION) == 2 / 4
    assert math.isnan(contradiction_rate(" . ", DERIVATION))


def test_leaving_a_fact_out_is_no_contradiction() -> None:
    assert contradiction_rate("the mass is in grams.", DERIVATION) == 0.0


def test_every_expert_says_every_step_in_order_without_contradiction() -> None:
    for example in Exam().examples(250, seed=7):
        steps = exam_derivation(example)
        for text in (_explanation(example.rationale), steps.written(lambda n: n - 1)):
            assert step_coverage(text, steps) == 1.0, text
            assert step_order(text, steps) == 1.0, text
            assert contradiction_rate(text, steps) == 0.0, text


def test_the_explanation_of_another_question_says_little() -> None:
    examples = Exam().examples(100, seed=8)
    shares = [
        step_coverage(_explanation(other.rationale), exam_derivation(example))
        for example, other in itertools.pairwise(examples)
    ]
    assert sum(shares) / len(shares) < 0.25


def test_wrong_numbers_are_contradictions_and_not_steps() -> None:
    example = exam_example("physics:density:32:4", 0)
    steps = exam_derivation(example)
    wrong = steps.written().replace("32", "35")
    assert contradiction_rate(wrong, steps) > 0
    assert step_coverage(wrong, steps) < 1


def test_every_inference_has_premises() -> None:
    for example in Exam().examples(50, seed=9):
        steps = exam_derivation(example)
        for step, premises in zip(steps.steps, steps.premises, strict=True):
            assert bool(premises) == (step.role not in ("principle", "data"))


def test_wordings_of_one_question_share_group_and_truth() -> None:
    examples = [exam_example("genetics:Aa:aa:recessive", wording) for wording in range(12)]
    assert len({example.prompt for example in examples}) > 4
    assert len({example.group_id for example in examples}) == 1
    right = {example.extra["options"][example.answer] for example in examples}
    assert right == {"2 in 4"}


@pytest.mark.parametrize("group", ["physic:density:32:4", "physics:density", "units:a:b:3", ""])
def test_an_unknown_question_is_an_error(group: str) -> None:
    with pytest.raises(InputError, match="no question of the exam"):
        exam_example(group, 0)


def test_other_examples_have_no_derivation() -> None:
    with pytest.raises(InputError, match="none of the exam"):
        exam_derivation(Addition().examples(1, seed=0)[0])
    example = exam_example("physics:density:32:4", 0)
    for changed in (
        replace(example, group_id="physics:density"),
        replace(example, extra={"options": {"A": "1"}}),
    ):
        with pytest.raises(InputError):
            exam_derivation(changed)


def test_stored_questions_get_their_options(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "exam.jsonl"
    row = (
        '{"question": "Which?", "options": {"A": "one", "B": "two"}, "answer": "B", '
        '"explanation": "Because.", "subject": "Logic", "difficulty": 2}\n'
    )
    path.write_text(row)
    (example,) = load_exam(path).examples
    assert example.prompt == "Which?\nA: one\nB: two"
    assert Exam().verify(example.rationale, example)
    assert example.extra["subject"] == "Logic"
    path.write_text(row.replace('"answer": "B"', '"answer": "E"'))
    with pytest.raises(DataError, match="row 1: the answer 'E' is none of"):
        load_exam(path)


def _explanation(rationale: str | None) -> str:
    found = sections(rationale or "", ["explanation", "answer"])
    assert found is not None
    return found["explanation"]
