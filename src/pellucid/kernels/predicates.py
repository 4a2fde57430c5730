"""Predicates on states: comparisons of inputs, read by a parser of our own and never executed.

    predicate  := all ("or" all)*
    all        := part ("and" part)*
    part       := "not" part | "(" predicate ")" | comparison
    comparison := value [sign value [sign value]]      sign: <  <=  >  >=  ==  !=
    value      := number | name | "name in quotes" | x[3]

An input alone means that it is not zero. A name is that of an input with `_` in place of spaces and
other signs, in any case; `x[3]` is the fourth input, and a name in quotes is taken as it is.
"""

import difflib
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from pellucid.errors import InputError

MOST_LETTERS = 2_000
MOST_DEPTH = 50
GRAMMAR = (
    "a predicate is made of comparisons such as height < 0.5, 0 <= x[2] < 1 or left_leg (not zero) "
    "with and, or, not and brackets"
)
_SIGNS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_TOKEN = re.compile(
    r"""\s*(?:(?P<column>x\[\d+\])|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"""
    r"""|(?P<sign><=|>=|==|!=|<|>)|(?P<bracket>[()])|(?P<name>[^\W\d][\w.]*)"""
    r"""|(?P<quoted>"[^"]*"|'[^']*')|(?P<bad>\S))"""
)
_WORDS = ("and", "or", "not")


class PredicateError(InputError):
    """A text that is no predicate.

    Args:
        text: The text.
        position: The letter at which it stops being one, from 0.
        problem: What is wrong there.
        hint: What to do.
    """

    def __init__(self, text: str, position: int, problem: str, hint: str = GRAMMAR) -> None:
        shown = text if len(text) <= 200 else f"{text[:200]}…"
        super().__init__(f"predicate {shown!r}, letter {position + 1}: {problem}", hint=hint)
        self.text, self.position, self.problem = text, position, problem

    @property
    def pointed(self) -> str:
        """The text, and under it a mark below the letter."""
        return f"{self.text}\n{' ' * self.position}^"


@dataclass(frozen=True)
class Value:
    """A number, or an input.

    Args:
        number: The number; not used for an input.
        column: The input; -1 for a number.
    """

    number: float = 0.0
    column: int = -1

    def __str__(self) -> str:
        return repr(self.number) if self.column < 0 else f"x[{self.column}]"

    def of(self, rows: Float[np.ndarray, "rows inputs"]) -> np.ndarray:
        """Return it in each row."""
        return np.full(len(rows), self.number) if self.column < 0 else rows[:, self.column]


@dataclass(frozen=True)
class Comparison:
    """One value compared with another; an input stands on the left wherever there is one.

    Args:
        left: First value.
        sign: `<`, `<=`, `>`, `>=`, `==` or `!=`.
        right: Second value.
    """

    left: Value
    sign: str
    right: Value

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"


@dataclass(frozen=True)
class Joined:
    """Several predicates of which all must hold, or any.

    Args:
        word: `and` or `or`.
        parts: The predicates; without any, `and` always holds and `or` never.
    """

    word: str
    parts: tuple["Predicate", ...]

    def __str__(self) -> str:
        if not self.parts:
            return "0 == 0" if self.word == "and" else "0 == 1"
        shown = [f"({p})" if isinstance(p, Joined) else str(p) for p in self.parts]
        return f" {self.word} ".join(shown)


Predicate: TypeAlias = Comparison | Joined
"""A predicate; `str` of it is text that `parse_predicate` reads without any names."""

ALWAYS = Joined("and", ())


def compare(column: int, sign: str, number: float) -> Comparison:
    """Return the comparison of an input with a number."""
    return Comparison(Value(column=column), sign, Value(number))


def negated(predicate: Predicate) -> Predicate:
    """Return the predicate that holds where another does not."""
    if isinstance(predicate, Comparison):
        return Comparison(predicate.left, _OPPOSITE[predicate.sign], predicate.right)
    other = "or" if predicate.word == "and" else "and"
    return Joined(other, tuple(negated(part) for part in predicate.parts))


def all_of(parts: Sequence[Predicate]) -> Predicate:
    """Return the predicate that holds where all parts do."""
    return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))


def holds(
    predicate: Predicate, rows: Float[np.ndarray, "rows inputs"]
) -> Bool[np.ndarray, " rows"]:
    """Return where a predicate holds; nothing holds of an input that is NaN but `!=`.

    Example:
        >>> holds(parse_predicate("x[0] < 0.5 and not x[1]"), np.array([[0.0, 0.0], [0.0, 1.0]]))
        array([ True, False])
    """
    if isinstance(predicate, Comparison):
        found = _SIGNS[predicate.sign](predicate.left.of(rows), predicate.right.of(rows))
        return np.asarray(found, dtype=bool)
    result = np.full(len(rows), predicate.word == "and")
    for part in predicate.parts:
        inside = holds(part, rows)
        result = result & inside if predicate.word == "and" else result | inside
    return result


def columns_of(predicate: Predicate) -> frozenset[int]:
    """Return the inputs that a predicate reads."""
    if isinstance(predicate, Comparison):
        return frozenset(v.column for v in (predicate.left, predicate.right) if v.column >= 0)
    return frozenset().union(*(columns_of(part) for part in predicate.parts))


def alias(name: str) -> str:
    """Return a name as it is typed: small letters, `_` for all other signs.

    Example:
        >>> alias("Left leg (touches)")
        'left_leg_touches'
    """
    return re.sub(r"[^\w.]+", "_", name.casefold()).strip("_")


def parse_predicate(
    text: str,
    input_names: Sequence[str] = (),
    defined: Mapping[str, Predicate] | None = None,
) -> Predicate:
    """Read a predicate.

    Args:
        text: Such as `height < 0.5 and not left_leg`.
        input_names: One per input; without any, inputs are `x[0]`, `x[1]`, … of any number.
        defined: Predicates with a name of their own.

    Raises:
        PredicateError: It is none; tells the letter and what was expected.

    Example:
        >>> str(parse_predicate("0 <= Height < 2 or not leg", ("height", "leg")))
        '(x[0] >= 0.0 and x[0] < 2.0) or x[1] == 0.0'
    """
    return _Parser(text, input_names, defined or {}).whole()


class _Parser:
    """A cursor over the tokens of one predicate."""

    def __init__(
        self, text: str, input_names: Sequence[str], defined: Mapping[str, Predicate]
    ) -> None:
        self.text, self.names, self.defined = text, input_names, defined
        if len(text) > MOST_LETTERS:
            raise PredicateError(text, MOST_LETTERS, f"at most {MOST_LETTERS} letters are read")
        self.tokens: list[tuple[str, str, int]] = []
        for match in _TOKEN.finditer(text.rstrip()):
            kind = str(match.lastgroup)
            word, place = match.group(kind), match.start(kind)
            if kind == "bad":
                meant = "; equal is ==" if word == "=" else ""
                raise self.error(f"unexpected {word!r}{meant}", place)
            self.tokens.append((kind, word, place))
        self.next = 0

    def error(self, problem: str, place: int, hint: str = GRAMMAR) -> PredicateError:
        return PredicateError(self.text, place, problem, hint)

    @property
    def token(self) -> tuple[str, str, int]:
        """Kind, word and place of the token under the cursor; empty at the end."""
        if self.next < len(self.tokens):
            return self.tokens[self.next]
        return "", "", len(self.text.rstrip())

    def whole(self) -> Predicate:
        predicate = self.joined("or", 0)
        _, word, place = self.token
        if word:
            raise self.error(f"expected and, or or the end, got {word!r}", place)
        return predicate

    def joined(self, word: str, depth: int) -> Predicate:
        if depth > MOST_DEPTH:
            raise self.error(f"nested deeper than {MOST_DEPTH}", self.token[2])
        parts = [self.joined("and", depth) if word == "or" else self.part(depth)]
        while self.token[:2] == ("name", word):
            self.next += 1
            parts.append(self.joined("and", depth) if word == "or" else self.part(depth))
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def part(self, depth: int) -> Predicate:
        if depth > MOST_DEPTH:
            raise self.error(f"nested deeper than {MOST_DEPTH}", self.token[2])
        kind, word, place = self.token
        if (kind, word) == ("name", "not"):
            self.next += 1
            return negated(self.part(depth + 1))
        if word == "(" and kind == "bracket":
            self.next += 1
            inside = self.joined("or", depth + 1)
            if self.token[1] != ")":
                raise self.error(f"expected ')' for the '(' at {place + 1}", self.token[2])
            self.next += 1
            return inside
        if kind == "name" and alias(word) in self.defined:
            self.next += 1
            return self.defined[alias(word)]
        return self.comparison()

    def comparison(self) -> Predicate:
        _, word, place = self.token
        values = [self.value()]
        signs: list[str] = []
        while self.token[0] == "sign" and len(signs) < 2:
            signs.append(self.token[1])
            self.next += 1
            values.append(self.value())
        if not signs and values[0].column < 0:
            raise self.error(f"{word} is compared with nothing", place)
        if not signs:
            return Comparison(values[0], "!=", Value(0.0))
        pairs = zip(values, signs, values[1:], strict=False)
        return all_of([_ordered(*pair) for pair in pairs])

    def value(self) -> Value:
        kind, word, place = self.token
        if kind not in ("number", "column", "name", "quoted") or word in _WORDS:
            got = repr(word) if word else "the end"
            raise self.error(f"expected an input or a number, got {got}", place)
        self.next += 1
        if kind == "number":
            number = float(word)
            if not math.isfinite(number):
                raise self.error(f"{word} is too large", place)
            return Value(number)
        if kind == "column":
            column = int(word[2:-1]) if len(word) < 12 else len(self.names)
            if self.names and column >= len(self.names):
                raise self.error(f"{word} is asked for and there are {len(self.names)}", place)
            return Value(column=column)
        return Value(column=self.named(word, kind, place))

    def named(self, word: str, kind: str, place: int) -> int:
        quoted = kind == "quoted"
        sought = word[1:-1] if quoted else alias(word)
        known = list(self.names) if quoted else [alias(name) for name in self.names]
        if known.count(sought) == 1:
            return known.index(sought)
        if sought in known:
            raise self.error(f"several inputs are called {sought}", place, "use x[0], x[1], …")
        listed = [*known, *self.defined]
        near = difflib.get_close_matches(sought, listed, n=1, cutoff=0.6)
        some = ", ".join(listed[:12]) + (", …" if len(listed) > 12 else "")
        hint = f"did you mean {near[0]}?" if near else f"known: {some or 'x[0], x[1], …'}"
        raise self.error(f"there is no input {word}", place, hint)


def _ordered(left: Value, sign: str, right: Value) -> Comparison:
    """Return a comparison with an input on the left, if there is one."""
    if left.column < 0 <= right.column:
        return Comparison(right, _MIRRORED[sign], left)
    return Comparison(left, sign, right)
