"""Completions in parts: nothing is lost, and what is missing is named."""

import pytest

from pellucid.errors import DataError, InputError
from pellucid.posttrain.reasoning import (
    CustomSplitter,
    MarkedAnswer,
    StatedReasoning,
    TaggedReasoning,
    same_answer,
    steps_of,
)


def whole(parts: StatedReasoning) -> str:
    return parts.opening + "".join(parts.steps) + parts.closing + parts.answer


def test_a_marked_answer_is_parted_from_its_steps() -> None:
    text = "1+2=3; 3+3=6;\nAnswer: 6"
    parts = MarkedAnswer().split(text)
    assert parts == StatedReasoning("", ("1+2=3; ", "3+3=6;\n"), "Answer: ", "6")
    assert whole(parts) == text


def test_tagged_reasoning_keeps_its_tags_outside_the_steps() -> None:
    text = "<think>\nAdd them. Get six.\n</think>\nIt is 6."
    parts = TaggedReasoning().split(text)
    assert parts.opening == "<think>\n"
    assert parts.steps == ("Add them. ", "Get six.\n")
    assert parts.answer == "It is 6."
    assert whole(parts) == text


def test_a_marker_may_follow_the_tag() -> None:
    parts = TaggedReasoning(marker="answer:").split("<think>a step</think> so answer: 6\nbye")
    assert (parts.closing, parts.answer) == ("</think> so answer: ", "6")


def test_the_last_marker_counts_and_only_its_line() -> None:
    parts = MarkedAnswer("####").split("it says #### 5\n#### 6\nand more")
    assert parts.answer == "6"
    assert parts.steps == ("it says #### 5\n",)


def test_an_answer_that_repeats_its_marker_is_split_where_it_stands() -> None:
    parts = MarkedAnswer("#").split("1;2;#1")
    assert parts.to_answer(()) == "#"
    assert whole(parts) == "1;2;#1"


@pytest.mark.parametrize(
    ("splitter", "text", "missing"),
    [
        (MarkedAnswer(), "just words", "no answer was found"),
        (MarkedAnswer(), "a step\nanswer:", "no answer was found after"),
        (MarkedAnswer(), "answer: 6", "the reasoning is empty"),
        (MarkedAnswer(), "", "no answer was found"),
        (TaggedReasoning(), "a step answer: 6", "no reasoning was found between <think>"),
        (TaggedReasoning(), "</think>6<think>", "no reasoning was found between"),
        (TaggedReasoning(), "<think> \n </think>6", "the reasoning is empty"),
        (TaggedReasoning(), "<think>a step</think>", "no answer was found after"),
        (TaggedReasoning(), "<think>cut off in the mid", "no reasoning was found between"),
        (CustomSplitter(lambda text: None, str), "x", "by the given function"),
    ],
)
def test_what_is_missing_is_named(splitter, text, missing) -> None:
    with pytest.raises(DataError, match=missing):
        splitter.split(text)


def test_functions_of_a_users_own_split() -> None:
    splitter = CustomSplitter(
        lambda text: StatedReasoning("", (text[:2],), "=", text[-1]), lambda text: text[-1:]
    )
    assert splitter.split("1+=3").steps == ("1+",)
    assert (splitter.answer("1+=3"), splitter.answer("")) == ("3", "")


def test_an_empty_marker_and_equal_tags_are_refused() -> None:
    with pytest.raises(InputError, match="marker of the answer is empty"):
        MarkedAnswer(" ")
    with pytest.raises(InputError, match="two different ones"):
        TaggedReasoning("|", "|")


@pytest.mark.parametrize("text", ["a. b.\n\nc", "one", "x;;; y", "\n\na\n", "3.5 is it. Yes!"])
def test_steps_give_their_text_back(text) -> None:
    assert "".join(steps_of(text)) == text


def test_points_in_numbers_and_lone_separators_end_no_step() -> None:
    assert steps_of("3.5 is it. Yes!") == ("3.5 is it. ", "Yes!")
    assert steps_of("x;;; y") == ("x;;; ", "y")
    assert steps_of("  \n ") == ()


def test_spaces_before_what_comes_next_are_left_to_the_model() -> None:
    parts = MarkedAnswer().split("1+2=3; answer: 3")
    assert parts.to_answer(parts.steps) == "1+2=3; answer:"
    assert parts.to_step(parts.steps) == "1+2=3;"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1,000", "1000", True),
        ("6", "6.00", True),
        ("Left ", "left.", True),
        ("six", "6", False),
        ("inf", "inf", True),
        ("", "", True),
        ("-6", "6", False),
    ],
)
def test_answers_are_compared_as_numbers_or_else_as_words(one, other, same) -> None:
    assert same_answer(one, other) is same
