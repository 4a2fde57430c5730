"""LTLf: formulas over finite traces, followed step by step.

A monitor holds what is left to be satisfied. Each step replaces it by what is left after that step
(progression), so that no automaton has to be built first.

Source: De Giacomo & Vardi 2013; progression as in Bacchus & Kabanza 2000.
"""

from dataclasses import dataclass
from functools import lru_cache

from pellucid.errors import InputError
from pellucid.tabular.objectives.formulas import (
    FALSE,
    TRUE,
    Formula,
    all_of,
    any_of,
    negated,
    parse,
)


@dataclass(frozen=True)
class LTLfMonitor:
    """What is left of a formula after the steps seen so far.

    Args:
        left: The formula that the rest of the trace must satisfy.
    """

    left: Formula

    @classmethod
    def of(cls, text: str) -> "LTLfMonitor":
        """Return the monitor of a formula, before the first step.

        Raises:
            InputError: It is no formula; the position is named.
        """
        return cls(parse(text, finite=True))

    def after(self, labels: frozenset[str]) -> "LTLfMonitor":
        """Return the monitor after a step.

        Args:
            labels: Propositions that hold in it; the others do not.
        """
        return LTLfMonitor(progressed(self.left, labels))

    @property
    def satisfied(self) -> bool:
        """Whether the trace satisfies the formula if it ends here."""
        return at_end(self.left)

    @property
    def decided(self) -> bool | None:
        """Whether every continuation satisfies it (True), none does (False), or it depends (None).

        Read off the formula that is left: only when it has become true or false.
        """
        return {TRUE: True, FALSE: False}.get(self.left)


@lru_cache(maxsize=65_536)
def progressed(formula: Formula, labels: frozenset[str]) -> Formula:
    """Return what the trace after this step must satisfy for the whole one to satisfy a formula."""
    match formula.operator:
        case "true" | "false":
            return formula
        case "atom":
            return TRUE if formula.name in labels else FALSE
        case "X":  # strong: there must be a next step
            return all_of(formula.parts[0], _MORE)
        case "N":
            return any_of(formula.parts[0], _DONE)
        case "F":
            return any_of(progressed(formula.parts[0], labels), formula)
        case "G":
            return all_of(progressed(formula.parts[0], labels), formula)
    parts = [progressed(part, labels) for part in formula.parts]
    match formula.operator:
        case "!":
            return negated(parts[0])
        case "&":
            return all_of(*parts)
        case "|":
            return any_of(*parts)
        case "->":
            return any_of(negated(parts[0]), parts[1])
        case "<->":
            both, neither = all_of(*parts), all_of(*map(negated, parts))
            return any_of(both, neither)
        case "U" | "W":
            return any_of(parts[1], all_of(parts[0], formula))
        case "R":
            return all_of(parts[1], any_of(parts[0], formula))
    raise InputError(f"{formula.operator} has no meaning on finite traces")


def at_end(formula: Formula) -> bool:
    """Return whether the empty rest of a trace satisfies a formula.

    Nothing holds now (there is no step), so atoms and X are false; N, G, R and W are true.
    """
    inner = [at_end(part) for part in formula.parts]
    match formula.operator:
        case "true" | "N" | "G" | "R" | "W":
            return True
        case "!":
            return not inner[0]
        case "&":
            return all(inner)
        case "|":
            return any(inner)
        case "->":
            return not inner[0] or inner[1]
        case "<->":
            return inner[0] == inner[1]
    return False  # false, atoms, X, F and U


_MORE = Formula("F", (TRUE,))
"""There is another step."""
_DONE = negated(_MORE)
"""There is none."""
