"""LTLf by progression, against a recursive definition on all short traces."""

from itertools import product

import pytest

from pellucid.errors import InputError
from pellucid.tabular.objectives import LTLfMonitor, parse
from pellucid.tabular.objectives.formulas import Formula
from pellucid.tabular.objectives.wrappers import monitor_states

FORMULAS = (
    "a", "!a", "true", "false", "a & b", "a | b", "a -> b", "a <-> b", "X a", "N a", "X X a",
    "N N a", "F a", "G a", "a U b", "a W b", "a R b", "G F a", "F G a", "F (a & X b)",
    "G (a -> F b)", "G (a -> X b)", "G (a -> N b)", "!(a U X b)", "a U (b U X a)",
    "(a U b) -> (b R N a)", "G (a <-> N !a)",
)  # fmt: skip


def holds(formula: Formula, trace: list[frozenset[str]], at: int) -> bool:
    """The definition: positions are steps; past the last one only N, G, R, W and so on hold."""
    parts = formula.parts
    later = range(at, len(trace))
    match formula.operator:
        case "true":
            return True
        case "false":
            return False
        case "atom":
            return at < len(trace) and formula.name in trace[at]
        case "!":
            return not holds(parts[0], trace, at)
        case "&":
            return holds(parts[0], trace, at) and holds(parts[1], trace, at)
        case "|":
            return holds(parts[0], trace, at) or holds(parts[1], trace, at)
        case "->":
            return not holds(parts[0], trace, at) or holds(parts[1], trace, at)
        case "<->":
            return holds(parts[0], trace, at) == holds(parts[1], trace, at)
        case "X":
            return at + 1 < len(trace) and holds(parts[0], trace, at + 1)
        case "N":
            return at + 1 >= len(trace) or holds(parts[0], trace, at + 1)
        case "F":
            return any(holds(parts[0], trace, k) for k in later)
        case "G":
            return all(holds(parts[0], trace, k) for k in later)
        case "U":
            return any(
                holds(parts[1], trace, k) and all(holds(parts[0], trace, j) for j in range(at, k))
                for k in later
            )
        case "W":
            return holds(Formula("U", parts), trace, at) or holds(
                Formula("G", parts[:1]), trace, at
            )
        case "R":
            negations = tuple(Formula("!", (part,)) for part in parts)
            return not holds(Formula("U", negations), trace, at)
    raise AssertionError(formula.operator)


@pytest.mark.parametrize("text", FORMULAS)
def test_progression_agrees_with_the_definition(text: str) -> None:
    letters = [frozenset(), frozenset("a"), frozenset("b"), frozenset("ab")]
    formula = parse(text, finite=True)
    for length in (1, 2, 3, 4):
        for trace in product(letters, repeat=length):
            monitor = LTLfMonitor.of(text)
            for labels in trace:
                monitor = monitor.after(labels)
            assert monitor.satisfied == holds(formula, list(trace), 0), trace


@pytest.mark.parametrize("text", FORMULAS)
def test_what_is_decided_stays_decided_and_states_are_few(text: str) -> None:
    states = monitor_states(LTLfMonitor.of(text))
    assert len(states) <= 16
    for monitor in states:
        if monitor.decided is not None:
            assert monitor.after(frozenset("a")).decided == monitor.decided == monitor.satisfied


def test_positions_of_mistakes_are_named() -> None:
    with pytest.raises(InputError, match="position 5"):
        LTLfMonitor.of("a & & b")


def test_too_many_propositions_are_refused() -> None:
    text = " & ".join(f"p{i}" for i in range(9))
    with pytest.raises(InputError, match="at most 8 propositions, got 9"):
        monitor_states(LTLfMonitor.of(text))
