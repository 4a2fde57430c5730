"""Strict JSON: what is written can be read by anyone, and nothing is lost on the way."""

import json
import math
from enum import StrEnum
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.io.strict_json import MAX_DEPTH, dumps, finite_or_text, loads, read


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "null"),
        (np.float32("nan"), "null"),
        (math.inf, '"Infinity"'),
        (np.float64("-inf"), '"-Infinity"'),
        (-0.0, "-0.0"),
        (np.int64(2**63 - 1), "9223372036854775807"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        (np.bool_(True), "true"),
        (np.array([[1.5, math.nan], [math.inf, -0.0]]), '[[1.5, null], ["Infinity", -0.0]]'),
        (np.array(3), "3"),
        (np.array(["a"]), '["a"]'),
        (PurePosixPath("a/b"), '"a/b"'),
        (Colour.RED, '"red"'),
        ((1, None), "[1, null]"),
        ({"b": 1, "a": {}}, '{"b": 1, "a": {}}'),
        ("\u2028</script>\x1b", '"\\u2028</script>\\u001b"'),
        (1e-45, "1e-45"),
    ],
)
def test_a_value_is_written_as(value: object, text: str) -> None:
    assert dumps(value) == text
    loads(text)


@pytest.mark.parametrize(
    "value",
    [
        *(object(), {1, 2}, b"x", {1: 2}, np.array([1j]), np.array([None], object)),
        np.array(["2020"], "datetime64[Y]"),
    ],
)
def test_a_value_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        dumps(value)


def test_a_document_that_contains_itself_is_refused() -> None:
    document: list[object] = []
    document.append(document)
    with pytest.raises(ValueError, match="contains itself"):
        dumps(document)


def test_indent_keeps_the_order() -> None:
    assert dumps({"b": 1, "a": [2]}, indent=1) == '{\n "b": 1,\n "a": [\n  2\n ]\n}'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[1, NaN]", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' occurs twice"),
        ("[1,\n 2,,]", "line 2, column 4"),
        ("", "line 1, column 1"),
        ("1e999", "1e999 is out of range"),
        ("9" * 5000, "limit"),
        (b"\xff", "byte 0 is not UTF-8"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"at character {MAX_DEPTH}"),
        ("[" * 1_000_000, "deeper"),
        ('{"a":' * 1_000_000, "deeper"),
        ('"' + '\\"' * 200_000, "line 1"),
        ("[" * 50 + '"' + "[" * 100 + '\\"' * 200_000, "line 1"),
        ("1 2", "line 1, column 3"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str | bytes, what: str) -> None:
    with pytest.raises(DataError) as caught:
        loads(text, where="x.json")
    message = str(caught.value)
    assert message.startswith("x.json is not strict JSON: ")
    assert what in message
    assert "\n" not in message
    assert len(message) < 300


def test_brackets_in_text_are_not_nesting() -> None:
    assert loads('["' + "[" * 1000 + '\\"[[", 1]') == ["[" * 1000 + '"[[', 1]
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert loads(deepest) is not None


def test_literals_of_other_programs_are_read_where_allowed() -> None:
    values = loads("[NaN, Infinity, -Infinity]", non_finite_literals=True)
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf]


def test_numbers_come_back_exactly() -> None:
    numbers = [0.1, 5e-324, 1.7976931348623157e308, -0.0, 2**63 - 1, float(np.float32(1e-45))]
    back = loads(dumps(numbers))
    assert [repr(n) for n in back] == [repr(n) for n in numbers]
    assert json.loads(dumps(numbers)) == numbers


def test_null_and_the_two_texts_are_numbers_again() -> None:
    assert math.isnan(finite_or_text(None))
    assert finite_or_text("Infinity") == math.inf
    assert finite_or_text("-Infinity") == -math.inf
    assert finite_or_text(2) == 2.0
    for value in ("1", True, []):
        with pytest.raises(ValueError, match="number"):
            finite_or_text(value)


def test_a_file_is_named_in_its_error(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{")
    with pytest.raises(DataError, match=r"x\.json is not strict JSON: line 1"):
        read(path)
    path.write_text("[1]")
    assert read(path) == [1]
    with pytest.raises(DataError, match="at most 2"):
        read(path, max_bytes=2)
