"""Finds sentences that contradict each other where encoders see no difference."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

CONTRADICTING = 0.5
"""What each contradiction leaves of a reward."""

_SAME_POINT = 0.5  # cosine from which two sentences are about one thing
_MOST_CHARS = 4000
_MOST_TOKENS = 100  # whose order is looked at
_ALIKE = 0.75
_NUMBER = re.compile(r"\d{1,30}(?:\.\d{1,30})?")
_WORD = re.compile(r"[^\W\d_]{1,60}")


def _list(words: str) -> list[str]:
    return words.split()


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NEGATIONS = _words(
    "no not never none neither nor cannot without nothing nobody "
    "isn aren doesn don didn won wasn weren"  # what is left of "isn't" and its like
)
_UP = _words(
    "increase increases rise rises grow grows more higher larger greater above longer after "
    "multiply multiplied multiplying dominant"
)
_DOWN = _words(
    "decrease decreases fall falls shrink shrinks less lower smaller fewer below shorter before "
    "divide divided dividing recessive"
)
UNITS: dict[str, str] = {
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
        _list("two three four five six seven eight nine ten eleven twelve"), start=2
    )
}


def agreement(
    said: Sequence[str],
    wanted: Sequence[str],
    cosines: Float[np.ndarray, "sentences reference_sentences"],
) -> float:
    """Return `CONTRADICTING` to the power of the sentences that contradict the reference.

    A sentence is held against the one of the reference that it is closest to, if it is close at
    all. Two sentences contradict each other if each has a number, or a unit, that the other lacks;
    if one is negated and the other is not; if one goes up where the other goes down; or if they
    say nearly the same words with two of them exchanged ("A eats B", "B eats A").

    Args:
        said: Sentences of a text, at least one.
        wanted: Sentences of the reference, at least one.
        cosines: Of each with each.

    Source: ours.
    """
    nearest = cosines.argmax(1)
    n_contradicting = sum(
        contradict(sentence, wanted[other])
        for row, (sentence, other) in enumerate(zip(said, nearest, strict=True))
        if cosines[row, other] >= _SAME_POINT
    )
    return float(CONTRADICTING**n_contradicting)


def contradict(first: str, second: str) -> bool:
    """Whether two sentences contradict each other; see `agreement`.

    Example:
        >>> contradict("The mass is 12 grams.", "The mass is 15 grams.")
        True
        >>> contradict("It weighs 12 grams.", "The mass is twelve grams.")
        False
    """
    return _contradict(_marks(first), _marks(second))


@dataclass(frozen=True)
class _Marks:
    numbers: frozenset[tuple[str, int]]  # with how often it occurred before
    units: frozenset[str]
    negated: bool
    direction: int
    order: tuple[str, ...]  # words of more than two letters that occur once, as they come


@lru_cache(maxsize=65_536)
def _marks(sentence: str) -> _Marks:
    text = sentence[:_MOST_CHARS].casefold()
    words = _WORD.findall(text)
    numbers = [_plain(number) for number in _NUMBER.findall(text)]
    numbers += [_NUMBER_WORDS[word] for word in words if word in _NUMBER_WORDS]
    up, down = any(word in _UP for word in words), any(word in _DOWN for word in words)
    tokens = re.findall(r"[^\W_]{1,60}", text)[:_MOST_TOKENS]
    return _Marks(
        numbers=frozenset(_counted(numbers[:_MOST_TOKENS])),
        units=frozenset(UNITS[word] for word in words if word in UNITS),
        negated=sum(word in _NEGATIONS for word in words) % 2 == 1,
        direction=up - down,
        order=tuple(token for token in tokens if len(token) > 2 and tokens.count(token) == 1),
    )


def _counted(values: list[str]) -> list[tuple[str, int]]:
    return [(value, values[:place].count(value)) for place, value in enumerate(values)]


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


def _apart(a: frozenset[Any], b: frozenset[Any]) -> bool:
    return bool(a - b) and bool(b - a)


def _swapped(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether two words have changed places; a clause that moved changes more than two places."""
    common = set(a) & set(b)
    longest = max(len(a), len(b))
    # of three words all must be the same: too few to tell a swap from another wording otherwise
    if len(common) < 3 or len(common) < (longest if len(common) == 3 else _ALIKE * longest):
        return False
    ours, theirs = ([word for word in order if word in common] for order in (a, b))
    return sum(x != y for x, y in zip(ours, theirs, strict=True)) == 2
