"""What is read from completions, by hand."""

import pytest

from pellucid.posttrain.completions import (
    extract_answer,
    normalise_answer,
    same_answer,
    sections,
    tagged,
    text_of,
)


def test_text_is_what_the_assistant_says() -> None:
    said = [
        {"role": "assistant", "content": "first"},
        {"role": "tool", "content": "#### 9"},
        {"role": "assistant", "content": [{"type": "text", "text": "second"}, {"type": "image"}]},
    ]
    assert text_of(said) == "first\nsecond"
    assert text_of({"content": "no role"}) == "no role"
    assert text_of("plain") == "plain"


@pytest.mark.parametrize("nothing", [None, 3, b"bytes", [], [None], [{"content": None}], {}])
def test_anything_else_is_no_text(nothing: object) -> None:
    assert text_of(nothing) == ""


def test_lone_surrogates_can_be_encoded_afterwards() -> None:
    assert text_of("a\ud800b").encode("utf-8") == "a\ufffdb".encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a>x</a>",  # a section is missing
        "<b>y</b><a>x</a>",  # another order
        "<a>x<b>y</b></a>",  # nested
        "<a>x</a><b>y",  # unclosed
        "</a>x<a><b>y</b>",  # closed before it opens
        "<a>x</a><a>x</a><b>y</b>",  # twice
        "word <a>x</a><b>y</b>",  # a word before
        "<a>x</a> word <b>y</b>",  # between
        "<a>x</a><b>y</b> word",  # after
    ],
)
def test_another_form_has_no_sections(text: str) -> None:
    assert sections(text, ["a", "b"]) is None


def test_sections_are_what_stands_in_the_tags() -> None:
    assert sections(" <a>x < y</a>\n<b></b> ", ["a", "b"]) == {"a": "x < y", "b": ""}


def test_a_tag_that_occurs_twice_says_nothing() -> None:
    assert tagged("so <answer>4</answer>", "answer") == "4"
    assert tagged("<answer>4</answer><answer>5</answer>", "answer") is None
    assert tagged("</answer>4<answer>", "answer") is None


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("6*7=42\n#### 42\nthat is it", "marker", "42"),
        ("#### 41 #### 42", "marker", None),
        ("####", "marker", None),
        ("42", "marker", None),
        (r"\boxed{1} and \boxed{\frac{1}{2}}", "boxed", r"\frac{1}{2}"),
        (r"\boxed{1", "boxed", None),
        ("<answer> B </answer>", "tag", "B"),
        ("  x ", "whole", "x"),
        ("x" * 1001, "whole", None),
    ],
)
def test_answers_stand_where_the_form_says(text: str, form: str, expected: str | None) -> None:
    assert extract_answer(text, form) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1,250", "1250.0"),
        ("0.5", "1/2"),
        ("-2/4", "-0.50"),
        ("$3$", "3"),
        ("Paris.", " paris"),
        ("a\t b", "A B"),
        ("007", "7"),
    ],
)
def test_normalising_keeps_the_meaning(first: str, second: str) -> None:
    assert same_answer(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("1", "-1"), ("1,25", "125"), ("0.1", "1"), ("1/3", "0.333"), ("A", "B"), ("12", "1 2")],
)
def test_normalising_does_not_change_the_meaning(first: str, second: str) -> None:
    assert not same_answer(first, second)


def test_no_answer_is_never_right() -> None:
    assert not same_answer(None, "")


def test_exponents_and_zero_divisors_stay_text() -> None:
    assert normalise_answer("1e999999999") == "1e999999999"
    assert normalise_answer("1/0") == "1/0"
    assert normalise_answer("\u0661") == "\u0661"  # a digit, but none of ours
