"""Predicates: what is read, what holds, and where a text stops being one."""

import numpy as np
import pytest

from pellucid.kernels.predicates import (
    ALWAYS,
    MOST_LETTERS,
    PredicateError,
    alias,
    columns_of,
    compare,
    holds,
    negated,
    parse_predicate,
)

NAMES = ("height", "Left leg (touches)", "speed.x")
ROWS = np.array([[0.0, 0.0, 1.0], [0.5, 1.0, -1.0], [1.0, 0.0, 2.0]])


def where(text):
    return holds(parse_predicate(text, NAMES), ROWS).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("height < 0.5", [True, False, False]),
        ("0.5 >= HEIGHT", [True, True, False]),
        ("0 < height <= 1", [False, True, True]),
        ("left_leg_touches", [False, True, False]),
        ("not left_leg_touches", [True, False, True]),
        ("'Left leg (touches)' == 1", [False, True, False]),
        ("x[0] == 1e0 or speed.x < -0.5", [False, True, True]),
        ("height < speed.x", [True, False, True]),
        # `and` binds tighter than `or`, `not` tighter than both
        ("height > 0.7 or left_leg_touches and speed.x > 0", [False, False, True]),
        ("not height > 0.7 and not (left_leg_touches or speed.x > 3)", [True, False, False]),
        ("not (height < 0.2 or height > 0.7)", [False, True, False]),
        ("height != .5", [True, False, True]),
    ],
)
def test_predicates_hold_where_they_say(text, expected):
    assert where(text) == expected


@pytest.mark.parametrize(
    "text", ["height < 0.5", "0 < height <= 1 and (x[1] or not x[2] > 3)", "height <= speed.x"]
)
def test_the_text_of_a_predicate_reads_back_as_it(text):
    predicate = parse_predicate(text, NAMES)
    assert parse_predicate(str(predicate)) == predicate


def test_nothing_holds_of_what_is_not_a_number_but_not_being_something():
    rows = np.array([[np.nan]])
    found = [bool(holds(compare(0, sign, 0.0), rows)[0]) for sign in ("<", ">=", "==", "!=")]
    assert found == [False, False, False, True]


def test_negation_holds_exactly_elsewhere():
    predicate = parse_predicate("height > 0.2 and (left_leg_touches or speed.x > 1.5)", NAMES)
    assert (holds(predicate, ROWS) != holds(negated(predicate), ROWS)).all()


def test_no_parts_hold_always_or_never():
    assert holds(ALWAYS, ROWS).all()
    assert not holds(negated(ALWAYS), ROWS).any()
    assert holds(parse_predicate(str(ALWAYS)), ROWS).all() or str(ALWAYS) == "0 == 0"


def test_defined_names_stand_for_their_predicates():
    low = parse_predicate("height < 0.3", NAMES)
    found = parse_predicate("not low or speed.x > 3", NAMES, {"low": low})
    assert holds(found, ROWS).tolist() == [False, True, True]
    assert columns_of(found) == {0, 2}


@pytest.mark.parametrize(
    ("text", "letter", "problem"),
    [
        ("", 1, "got the end"),
        ("height <", 9, "expected an input or a number, got the end"),
        ("height = 3", 8, "equal is =="),
        ("hight < 1", 1, "no input hight"),
        ("(height < 1", 12, r"expected '\)'"),
        ("height < 1)", 11, r"got '\)'"),
        ("height < 1 speed.x", 12, "expected and, or or the end"),
        ("height and", 11, "got the end"),
        ("3", 1, "compared with nothing"),
        ("height < 1e999", 10, "too large"),
        ("x[7] > 1", 1, "there are 3"),
        ("x[99999999999999] > 1", 1, "there are 3"),
        ("not", 4, "got the end"),
        ("height < and", 10, "got 'and'"),
        ("__import__('os')", 1, "no input __import__"),
        ("height; x", 7, "unexpected ';'"),
        ("(" * 60 + "height" + ")" * 60, 52, "nested deeper"),
        ("not " * 60 + "height", 205, "nested deeper"),
        ("x" * (MOST_LETTERS + 1), MOST_LETTERS + 1, "at most 2000 letters"),
    ],
)
def test_what_is_no_predicate_is_pointed_at(text, letter, problem):
    with pytest.raises(PredicateError, match=problem) as refused:
        parse_predicate(text, NAMES)
    assert refused.value.position == letter - 1
    assert f"letter {letter}:" in str(refused.value)
    assert refused.value.pointed.split("\n")[1].index("^") == letter - 1
    assert refused.value.hint


def test_a_name_that_is_nearly_right_is_suggested():
    with pytest.raises(PredicateError) as refused:
        parse_predicate("hieght < 1", NAMES)
    assert refused.value.hint == "did you mean height?"


def test_a_name_of_two_inputs_is_refused():
    with pytest.raises(PredicateError, match="several inputs"):
        parse_predicate("a_b > 1", ("a b", "a-b"))


def test_names_are_typed_in_small_letters_with_underscores():
    assert [alias(n) for n in ("Left leg", "input 3 (unnamed)", "v.x")] == [
        "left_leg",
        "input_3_unnamed",
        "v.x",
    ]
