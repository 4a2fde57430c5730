"""Temporal formulas: text in, a tree out, with the position of whatever cannot be read."""

import re
from dataclasses import dataclass
from functools import lru_cache

from pellucid.errors import InputError

_TOKEN = re.compile(
    r"\s*(?:(?P<sign><->|->|&&?|\|\|?|!|\(|\))|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<bad>\S))"
)
_BINARY = {"<->": 0, "->": 1, "|": 2, "&": 3, "U": 4, "R": 4, "W": 4}
"""How tightly each operator binds; all of them group to the right."""
_UNARY = ("!", "X", "N", "F", "G")
_MAX_DEPTH = 100
_WORDS = {"||": "|", "&&": "&"}


@dataclass(frozen=True)
class Formula:
    """A formula: an operator and what it applies to.

    Args:
        operator: `true`, `false`, `atom`, `!`, `&`, `|`, `->`, `<->`, or a temporal one: `X` next,
            `N` next if there is one (finite traces), `F` eventually, `G` always, `U` until, `R`
            release, `W` weak until.
        parts: Formulas that it applies to.
        name: The proposition of an atom.
    """

    operator: str
    parts: tuple["Formula", ...] = ()
    name: str = ""

    def __str__(self) -> str:
        if not self.parts:
            return self.name or self.operator
        shown = [str(p) if len(p.parts) < 2 else f"({p})" for p in self.parts]
        if len(shown) == 1:
            return f"{self.operator}{'' if self.operator == '!' else ' '}{shown[0]}"
        return f" {self.operator} ".join(shown)

    @property
    def atoms(self) -> frozenset[str]:
        """Names of the propositions."""
        own = {self.name} if self.operator == "atom" else set()
        return frozenset(own.union(*(part.atoms for part in self.parts)))


TRUE, FALSE = Formula("true"), Formula("false")


def negated(formula: Formula) -> Formula:
    """Return the negation, without doubling one."""
    if formula in (TRUE, FALSE):
        return FALSE if formula == TRUE else TRUE
    return formula.parts[0] if formula.operator == "!" else Formula("!", (formula,))


def all_of(*parts: Formula) -> Formula:
    """Return the conjunction, flat, sorted and without repetitions."""
    return _joined("&", parts, neutral=TRUE, decisive=FALSE)


def any_of(*parts: Formula) -> Formula:
    """Return the disjunction, flat, sorted and without repetitions."""
    return _joined("|", parts, neutral=FALSE, decisive=TRUE)


def parse(text: str, *, finite: bool = False) -> Formula:
    """Read a formula such as `F (a & X G !b)` or `a U b -> G F c`.

    `!` and the temporal operators X, F, G bind tightest, then U, R, W, then `&`, `|`, `->`, `<->`;
    binary operators group to the right.

    Args:
        text: The formula.
        finite: For finite traces, which also know `N`, next if there is one.

    Raises:
        InputError: It is no formula; the message names the position, counted from 1.
    """
    parser = _Parser(text, finite)
    formula = parser.expression(0, 0)
    word, position = parser.token
    if word:
        raise parser.error(f"expected an operator or the end, got {word!r}", position)
    return formula


class _Parser:
    """A cursor over the tokens of one formula."""

    def __init__(self, text: str, finite: bool) -> None:
        self.text, self.finite = text, finite
        self.tokens: list[tuple[str, int]] = []
        for match in _TOKEN.finditer(text.rstrip()):
            kind = str(match.lastgroup)
            word, position = match.group(kind), match.start(kind) + 1
            if kind == "bad":
                raise self.error(f"unexpected {word!r}", position)
            self.tokens.append((_WORDS.get(word, word), position))
        self.next = 0

    @property
    def token(self) -> tuple[str, int]:
        """The token under the cursor and its position; empty at the end."""
        if self.next < len(self.tokens):
            return self.tokens[self.next]
        return "", len(self.text.rstrip()) + 1

    def error(self, problem: str, position: int) -> InputError:
        return InputError(
            f"formula {self.text!r:.200}, position {position}: {problem}",
            hint="operators are ! & | -> <-> X F G U R W" + (" N" if self.finite else ""),
        )

    def expression(self, level: int, depth: int) -> Formula:
        left = self.operand(depth)
        while True:
            word, position = self.token
            binds = _BINARY.get(word, -1)
            if binds < level:
                return left
            if depth >= _MAX_DEPTH:
                raise self.error(f"nested deeper than {_MAX_DEPTH}", position)
            self.next += 1
            left = Formula(word, (left, self.expression(binds, depth + 1)))

    def operand(self, depth: int) -> Formula:
        word, position = self.token
        if depth >= _MAX_DEPTH:
            raise self.error(f"nested deeper than {_MAX_DEPTH}", position)
        if not word or word in _BINARY or word == ")":
            got = repr(word) if word else "the end"
            raise self.error(
                f"expected a proposition, '(' or a unary operator, got {got}", position
            )
        self.next += 1
        if word == "(":
            inside = self.expression(0, depth + 1)
            closing, where = self.token
            if closing != ")":
                got = repr(closing) if closing else "the end"
                raise self.error(f"expected ')' for the '(' at {position}, got {got}", where)
            self.next += 1
            return inside
        if word in _UNARY:
            if word == "N" and not self.finite:
                raise self.error("N is for finite traces only; use X", position)
            return Formula(word, (self.operand(depth + 1),))
        if word in ("true", "false"):
            return Formula(word)
        return Formula("atom", name=word)


def n_temporal(formula: Formula) -> int:
    """Return how many temporal operators a formula has."""
    own = formula.operator in ("X", "N", "F", "G", "U", "R", "W")
    return own + sum(n_temporal(part) for part in formula.parts)


@lru_cache(maxsize=4096)
def core(formula: Formula) -> Formula:
    """Return an equal formula over infinite traces with `!`, `&`, `X` and `U` alone."""
    parts = tuple(core(part) for part in formula.parts)
    match formula.operator:
        case "true" | "atom":
            return formula
        case "false":
            return Formula("!", (TRUE,))
        case "!" | "&" | "X" | "U":
            return Formula(formula.operator, parts)
        case "|":
            return _not(_and(_not(parts[0]), _not(parts[1])))
        case "->":
            return _not(_and(parts[0], _not(parts[1])))
        case "<->":
            one, other = parts
            return _and(_not(_and(one, _not(other))), _not(_and(other, _not(one))))
        case "F":
            return Formula("U", (TRUE, parts[0]))
        case "G":
            return _not(Formula("U", (TRUE, _not(parts[0]))))
        case "R":
            return _not(Formula("U", (_not(parts[0]), _not(parts[1]))))
        case "W":  # a W b fails exactly if !b holds until neither does
            none = _and(_not(parts[0]), _not(parts[1]))
            return _not(Formula("U", (_not(parts[1]), none)))
    raise InputError(f"{formula.operator} has no meaning on infinite traces")


def _not(formula: Formula) -> Formula:
    return Formula("!", (formula,))


def _and(one: Formula, other: Formula) -> Formula:
    return Formula("&", (one, other))


def _joined(
    operator: str, parts: tuple[Formula, ...], *, neutral: Formula, decisive: Formula
) -> Formula:
    flat: set[Formula] = set()
    for part in parts:
        flat.update(part.parts if part.operator == operator else (part,))
    flat.discard(neutral)
    if decisive in flat or any(negated(part) in flat for part in flat):
        return decisive
    if len(flat) < 2:
        return flat.pop() if flat else neutral
    return Formula(operator, tuple(sorted(flat, key=str)))
