"""Small arithmetic expressions of inputs: read, evaluated over batches, and never executed.

The language: numbers, `x[0]`, `x[1]`, …, `+`, `-`, `*`, `abs(a)`, `min(a, b)`, `max(a, b)`,
brackets. It is a part of Python, so that a text that is read here can be pasted there. There is no
division: an expression has a value wherever its inputs have one.
"""

import ast
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from pellucid.errors import DataError

MOST_LETTERS = 2_000
MOST_DEPTH = 100
"""Nested operations; a sum of k parts is k deep."""
MOST_NUMBER = 1e300
GRAMMAR = "numbers, x[0], x[1], …, +, -, *, abs(a), min(a, b), max(a, b) and brackets"

_BINARY: dict[type[ast.operator], Callable[..., np.ndarray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
}
_CALLS: dict[str, tuple[int, Callable[..., np.ndarray]]] = {
    "abs": (1, np.abs),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}


@lru_cache(maxsize=4_096)
def parse_expression(text: str) -> ast.expr:
    """Return the tree of an expression.

    Args:
        text: Such as `0.5*x[0] - max(x[2], 0.1)`.

    Raises:
        DataError: It is not of the language; says where and what the language is.

    Example:
        >>> inputs_of("0.5*x[0] - max(x[2], 0.1)")
        (0, 2)
    """
    if len(text) > MOST_LETTERS:
        raise _wrong(text, 0, f"{len(text)} letters, at most {MOST_LETTERS} are read")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _wrong(text, getattr(error, "offset", 0) or 0, "this is no expression") from error
    _check(tree, text, 0)
    return tree


def evaluate(text: str, columns: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, " rows"]:
    """Return the value of an expression in each row.

    Args:
        text: The expression.
        columns: Shape (rows, inputs).

    Raises:
        DataError: It is not of the language, or it reads an input that there is not.

    Example:
        >>> evaluate("min(x[0], 1.0) - 2*x[1]", np.array([[3.0, 0.5]])).tolist()
        [0.0]
    """
    tree = parse_expression(text)
    highest = max(inputs_of(text), default=-1)
    if highest >= columns.shape[1]:
        raise DataError(f"x[{highest}] is asked for and there are {columns.shape[1]} inputs")
    value = np.broadcast_to(_value(tree, columns), len(columns))
    return np.asarray(value, dtype=np.float64)


@lru_cache(maxsize=4_096)
def inputs_of(text: str) -> tuple[int, ...]:
    """Return the numbers of the inputs that an expression reads, in order."""
    tree = parse_expression(text)
    return tuple(sorted({_index(n) for n in ast.walk(tree) if isinstance(n, ast.Subscript)}))


@lru_cache(maxsize=4_096)
def size_of(text: str) -> int:
    """Return the number of inputs, numbers and operations; a sign belongs to its number.

    Example:
        >>> size_of("-2.5*x[0] + abs(x[1])")
        6
    """
    nodes = list(ast.walk(parse_expression(text)))
    # the constant within x[0] is counted for the input
    return sum(isinstance(n, ast.Constant | ast.BinOp | ast.Call) for n in nodes)


def linear_text(weights: Float[np.ndarray, " inputs"], constant: float = 0.0) -> str:
    """Return a weighted sum of inputs as an expression; weights of 0 are left out.

    Example:
        >>> linear_text(np.array([1.0, 0.0, -0.5]), 2.0)
        'x[0] - 0.5*x[2] + 2.0'
    """
    text = ""
    for item in np.flatnonzero(weights):
        size = abs(float(weights[item]))
        part = f"x[{item}]" if size == 1 else f"{size!r}*x[{item}]"
        text = _joined(text, part, negative=weights[item] < 0)
    if constant or not text:
        text = _joined(text, repr(abs(float(constant))), negative=constant < 0)
    return text


def _joined(text: str, part: str, *, negative: bool) -> str:
    if not text:
        return f"-{part}" if negative else part
    return f"{text} {'-' if negative else '+'} {part}"


def _check(node: ast.expr, text: str, depth: int) -> None:
    """Refuse whatever is not of the language."""
    if depth > MOST_DEPTH:
        raise _wrong(text, node.col_offset, f"nested more than {MOST_DEPTH} deep")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            # a whole number may be too long for a float
            if not abs(value) <= MOST_NUMBER:
                raise _wrong(text, node.col_offset, f"numbers reach up to {MOST_NUMBER:g}")
        case ast.Subscript(value=ast.Name(id="x"), slice=ast.Constant(value=int() as item)):
            if item < 0 or isinstance(item, bool):
                raise _wrong(text, node.col_offset, "inputs count from 0")
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            _check(inner, text, depth + 1)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _BINARY:
            _check(left, text, depth + 1)
            _check(right, text, depth + 1)
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _CALLS:
            if len(parts) != _CALLS[name][0]:
                raise _wrong(text, node.col_offset, f"{name} takes {_CALLS[name][0]}")
            for part in parts:
                _check(part, text, depth + 1)
        case _:
            raise _wrong(text, node.col_offset, "this is not part of the language")


def _value(node: ast.expr, columns: Float[np.ndarray, "rows inputs"]) -> np.ndarray:
    match node:
        case ast.Constant(value=int() | float() as value):
            return np.asarray(float(value))
        case ast.Subscript():
            return np.asarray(columns[:, _index(node)])
        case ast.UnaryOp(operand=inner):
            return np.asarray(np.negative(_value(inner, columns)))
        case ast.BinOp(left=left, op=operation, right=right):
            return np.asarray(
                _BINARY[type(operation)](_value(left, columns), _value(right, columns))
            )
        case ast.Call(func=ast.Name(id=name), args=parts):
            return np.asarray(_CALLS[name][1](*(_value(part, columns) for part in parts)))
    raise AssertionError("checked when it was read")


def _index(node: ast.Subscript) -> int:
    assert isinstance(node.slice, ast.Constant)
    assert isinstance(node.slice.value, int)
    return node.slice.value


def _wrong(text: str, position: int, reason: str) -> DataError:
    shown = text[:60] + ("…" if len(text) > 60 else "")
    return DataError(f"{shown!r}, letter {position + 1}: {reason}", hint=f"allowed: {GRAMMAR}")
