"""Predicates in the words of an environment: `0.1 < height ≤ 0.5 and left leg is 1`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.explanation.wording import show
from pellucid.kernels.predicates import Comparison, Joined, Predicate, Value

_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "is", "!=": "is not"}


def predicate_words(predicate: Predicate, input_names: Sequence[str]) -> str:
    """Return a predicate in words; bounds of one input that must all hold become one range.

    Args:
        predicate: Any predicate.
        input_names: One per input.

    Example:
        >>> from pellucid.kernels.predicates import parse_predicate
        >>> predicate_words(parse_predicate("x[0] > 0.1 and x[1] == 3 and x[0] <= 0.5"), ["a", "b"])
        '0.1 < a ≤ 0.5 and b is 3'
    """
    if isinstance(predicate, Comparison):
        left, right = (_value(v, input_names) for v in (predicate.left, predicate.right))
        return f"{left} {_SIGNS[predicate.sign]} {right}"
    if not predicate.parts:
        return "in every state" if predicate.word == "and" else "in no state"
    if predicate.word == "or":
        return " or ".join(_bracketed(part, input_names) for part in predicate.parts)
    ranges: dict[int, _Range] = {}
    words: list[str | int] = []
    for part in predicate.parts:
        if not _is_bound(part):
            words.append(_bracketed(part, input_names))
            continue
        assert isinstance(part, Comparison)
        column = part.left.column
        if column not in ranges:
            ranges[column] = _Range()
            words.append(column)
        ranges[column].tighten(part.sign, part.right.number)
    told = [ranges[w].words(input_names[w]) if isinstance(w, int) else w for w in words]
    return " and ".join(told)


@dataclass
class _Range:
    """What bounds of one input leave of it."""

    low: float = -math.inf
    high: float = math.inf
    above: str = "<"
    below: str = "≤"

    def tighten(self, sign: str, number: float) -> None:
        if sign in (">", ">=") and number >= self.low:
            self.low, self.above = number, "<" if sign == ">" else "≤"
        if sign in ("<", "<=") and number <= self.high:
            self.high, self.below = number, _SIGNS[sign]

    def words(self, name: str) -> str:
        if self.low == -math.inf:
            return f"{name} {self.below} {show(self.high)}"
        if self.high == math.inf:
            return f"{name} {'>' if self.above == '<' else '≥'} {show(self.low)}"
        return f"{show(self.low)} {self.above} {name} {self.below} {show(self.high)}"


def _is_bound(part: Predicate) -> bool:
    """Whether it is a comparison of an input with a number, other than with an equal sign."""
    if not isinstance(part, Comparison) or part.right.column >= 0 or part.left.column < 0:
        return False
    return part.sign not in ("==", "!=")


def _bracketed(part: Predicate, input_names: Sequence[str]) -> str:
    words = predicate_words(part, input_names)
    return f"({words})" if isinstance(part, Joined) and len(part.parts) > 1 else words


def _value(value: Value, input_names: Sequence[str]) -> str:
    return show(value.number) if value.column < 0 else input_names[value.column]
