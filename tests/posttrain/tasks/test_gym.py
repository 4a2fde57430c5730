"""Generators of reasoning-gym as tasks; importing the package takes seconds, once."""

import dataclasses
import math

import pytest

from pellucid.errors import InputError, UnknownNameError
from pellucid.posttrain.tasks import ReasoningGym

pytest.importorskip("reasoning_gym")


@pytest.mark.parametrize("generator", ["basic_arithmetic", "leg_counting", "syllogism"])
def test_its_own_answers_are_right_and_others_are_wrong(generator: str) -> None:
    task = ReasoningGym(generator)
    examples = task.examples(5, seed=0)
    assert len({example.group_id for example in examples}) == 5
    for example in examples:
        assert task.verify(example.answer, example)
        assert not task.verify("", example)
        assert not task.verify(None, example)
        assert not task.verify("x" * 1_000_000, example)
        assert (example.rationale, example.hint) == (None, None)
        assert math.isnan(example.difficulty)


def test_stored_examples_can_be_judged_by_another_task_object() -> None:
    examples = ReasoningGym("basic_arithmetic").examples(3, seed=1)
    assert ReasoningGym("basic_arithmetic").examples(3, seed=1)[0].prompt == examples[0].prompt
    other = ReasoningGym("basic_arithmetic")
    assert all(other.verify(example.answer, example) for example in examples)
    with pytest.raises(InputError, match="made by other settings"):
        other.verify("1", dataclasses.replace(examples[0], prompt="1 + 1"))
    with pytest.raises(InputError, match="none of reasoning-gym-basic_arithmetic"):
        other.verify("1", dataclasses.replace(examples[0], task="addition-2"))


def test_answers_are_read_in_their_form() -> None:
    task = ReasoningGym("basic_arithmetic", form="tag")
    (example,) = task.examples(1, seed=2)
    assert task.verify(f"so <answer> {example.answer} </answer>", example)
    assert not task.verify(example.answer, example)


def test_a_setting_gives_the_difficulty() -> None:
    task = ReasoningGym(
        "chain_sum", {"max_terms": 9, "max_digits": 4}, difficulty_setting="min_terms"
    )
    (example,) = task.examples(1, seed=0, difficulty=9)
    assert example.difficulty == 9.0
    assert len([word for word in example.prompt.split() if word in "+-"]) == 8
    assert task.verify(example.answer, example)


def test_unknown_generators_and_settings_are_refused() -> None:
    with pytest.raises(UnknownNameError) as caught:
        ReasoningGym("basic_arithmetics")
    assert caught.value.hint == "did you mean 'basic_arithmetic'?"
    with pytest.raises(InputError, match="refuses its settings"):
        ReasoningGym("basic_arithmetic", {"max_term": 3})
    with pytest.raises(InputError, match="'seed' of basic_arithmetic is set by examples"):
        ReasoningGym("basic_arithmetic", {"seed": 3})
    with pytest.raises(InputError, match="needs a difficulty_setting"):
        ReasoningGym("basic_arithmetic").examples(1, seed=0, difficulty=1)


def test_more_questions_than_there_are_is_an_error() -> None:
    narrow = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}
    with pytest.raises(InputError, match="fewer than 3000 different"):
        ReasoningGym("chain_sum", narrow).examples(3000, seed=0)
