"""Expressions: what is read, what it is worth, and what is refused."""

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.kernels.expressions import (
    MOST_DEPTH,
    evaluate,
    inputs_of,
    linear_text,
    parse_expression,
    size_of,
)

ROWS = np.array([[2.0, -3.0, 0.5], [0.0, 1.0, -1.0]])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x[0]", [2.0, 0.0]),
        ("1", [1.0, 1.0]),
        ("-x[1] * 2 + x[2]", [6.5, -3.0]),
        ("max(x[0], abs(x[1])) - min(x[2], 0.25)", [2.75, 2.0]),
        ("x[0] - (x[1] - x[2])", [5.5, -2.0]),
        ("1e-05*x[0]", [2e-05, 0.0]),
    ],
)
def test_values_are_those_of_python(text, values):
    np.testing.assert_array_equal(evaluate(text, ROWS), values)
    for row, value in zip(ROWS, values, strict=True):
        assert eval(text, {"x": list(row)}) == value


def test_inputs_and_size_count_what_is_read():
    assert inputs_of("0.5*x[2] + max(x[0], x[2])") == (0, 2)
    assert inputs_of("3.0") == ()
    # 0.5, *, x[2], +, max, x[0], x[2]
    assert size_of("0.5*x[2] + max(x[0], x[2])") == 7
    assert size_of("-x[0]") == 1


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "x[-1]", "x[0.5]", "x[True]", "x[0][0]", "y[0]", "x[0] / 2", "x[0] ** 9",
        "x[0] < 1", "__import__('os')", "x.__class__", "max(x[0])", "abs(x[0], 1)", "max(*x)",
        "min(x[0], b=1)", "lambda: 0", "1 if x[0] else 2", "1e999", "9" * 400, "'a'", "True",
        "x[0], x[1]",
        "x[0]\nimport os", "[x[0] for _ in x]", "(y := 1)", "x[0:1]", "x[i]", "1j", "\0",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_the_grammar(text):
    with pytest.raises(DataError, match="letter") as refused:
        parse_expression(text)
    assert "max(a, b)" in refused.value.hint


def test_the_position_is_named():
    with pytest.raises(DataError, match=r"letter 8: this is not part of the language"):
        parse_expression("x[0] + y[1]")


def test_texts_that_would_exhaust_the_reader_are_refused():
    with pytest.raises(DataError, match="at most"):
        parse_expression("1+" * 5_000 + "1")
    with pytest.raises(DataError, match=f"more than {MOST_DEPTH} deep|no expression"):
        parse_expression("(" * 300 + "1" + ")" * 300 + "+1" * 150)
    with pytest.raises(DataError, match="deep"):
        parse_expression("-" * 200 + "1")


def test_an_input_that_there_is_not_is_refused():
    with pytest.raises(DataError, match=r"x\[3\] is asked for and there are 3 inputs"):
        evaluate("x[3]", ROWS)


def test_weighted_sums_are_read_again():
    weights = np.array([-1.0, 0.0, 0.125])
    text = linear_text(weights, -2.0)
    assert text == "-x[0] + 0.125*x[2] - 2.0"
    np.testing.assert_array_equal(evaluate(text, ROWS), ROWS @ weights - 2.0)
    assert linear_text(np.zeros(2)) == "0.0"
