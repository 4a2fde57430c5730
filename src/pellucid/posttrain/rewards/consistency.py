"""Finds sentences that contradict each other where encoders see no difference."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

CONTRADICTING = 0.25
"""What a contradicting pair of sentences counts, as a factor of its cosine."""

_MAX_CHARS = 4000
_ALIKE = 0.75
_NUMBER = re.compile(r"\d{1,30}(?:\.\d{1,30})?")
_WORD = re.compile(r"[^\W\d_]{1,60}")
_NEGATIONS = frozenset(
    ("no", "not", "never", "none", "neither", "nor", "cannot", "without", "nothing", "nobody")
    # what is left of "isn't" and its like
    + ("isn", "aren", "doesn", "don", "didn", "won", "wasn", "weren", "can't")
)
_UP = frozenset(
    ("increase", "increases", "rise", "rises", "grow", "grows", "more", "higher", "larger")
    + ("greater", "above", "multiply", "multiplied", "multiplying", "after", "dominant", "longer")
)
_DOWN = frozenset(
    ("decrease", "decreases", "fall", "falls", "shrink", "shrinks", "less", "lower", "smaller")
    + ("fewer", "below", "divide", "divided", "dividing", "before", "recessive", "shorter")
)
_UNITS: dict[str, str] = {
    spelling: names[0]
    for names in (
        ("millimetre", "mm"), ("centimetre", "cm"), ("metre", "meter", "m"), ("mile",),
        ("kilometre", "kilometer", "km"), ("milligram", "mg"), ("gram", "g"), ("tonne",),
        ("kilogram", "kg"), ("second", "s"), ("minute", "min"), ("hour", "h"), ("day",),
        ("week",), ("month",), ("year",), ("millilitre", "ml"), ("litre", "liter", "l"),
        ("percent",), ("degree",), ("newton",), ("joule",), ("watt",), ("volt",), ("ampere",),
        ("euro",), ("dollar",), ("cent",),
    )
    for name in names
    for spelling in (name, f"{name}s")
}  # fmt: skip
_NUMBER_WORDS = {
    word: str(value)
    # "one" is left out: it is mostly no number
    for value, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"), start=2
    )
}


def consistency(
    said: Sequence[str], wanted: Sequence[str]
) -> Float[np.ndarray, "sentences reference_sentences"]:
    """Return a factor per pair: 1, or `CONTRADICTING` for sentences that contradict each other.

    Two sentences do if each has a number, or a unit, that the other lacks; if one is negated and
    the other is not; if one goes up where the other goes down; or if they say nearly the same
    words in another order ("A eats B", "B eats A").

    Args:
        said: Sentences of a text.
        wanted: Sentences of the reference.
    """
    ours, theirs = [_marks(s) for s in said], [_marks(s) for s in wanted]
    factors = [[CONTRADICTING if _contradict(a, b) else 1.0 for b in theirs] for a in ours]
    return np.array(factors, dtype=np.float32).reshape(len(said), len(wanted))


@dataclass(frozen=True)
class _Marks:
    numbers: frozenset[str]
    units: frozenset[str]
    negated: bool
    direction: int
    order: tuple[str, ...]  # words that occur once, as they come


@lru_cache(maxsize=65_536)
def _marks(sentence: str) -> _Marks:
    text = sentence[:_MAX_CHARS].casefold()
    words = _WORD.findall(text)
    numbers = {_plain(number) for number in _NUMBER.findall(text)}
    numbers |= {_NUMBER_WORDS[word] for word in words if word in _NUMBER_WORDS}
    up, down = any(word in _UP for word in words), any(word in _DOWN for word in words)
    tokens = re.findall(r"[^\W_]{1,60}", text)
    return _Marks(
        numbers=frozenset(numbers),
        units=frozenset(_UNITS[word] for word in words if word in _UNITS),
        negated=sum(word in _NEGATIONS for word in words) % 2 == 1,
        direction=up - down,
        order=tuple(token for token in tokens if tokens.count(token) == 1)[:100],
    )


def _plain(number: str) -> str:
    return (number.rstrip("0").rstrip(".") if "." in number else number).lstrip("0") or "0"


def _contradict(a: _Marks, b: _Marks) -> bool:
    return (
        _apart(a.numbers, b.numbers)
        or _apart(a.units, b.units)
        or a.negated != b.negated
        or a.direction * b.direction < 0
        or _swapped(a.order, b.order)
    )


def _apart(a: frozenset[str], b: frozenset[str]) -> bool:
    return bool(a - b) and bool(b - a)


def _swapped(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    if a == b:
        return False
    common = set(a) & set(b)
    if len(common) < 3 or len(common) < _ALIKE * max(len(a), len(b)):
        return False
    return [word for word in a if word in common] != [word for word in b if word in common]
