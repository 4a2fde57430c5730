"""Formulas: how they bind, what they mean, and where they cannot be read."""

import pytest

from pellucid.errors import InputError
from pellucid.tabular.objectives.formulas import FALSE, TRUE, all_of, any_of, core, negated, parse


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a U b & c", "(a U b) & c"),
        ("a & b | c -> d <-> e", "(((a & b) | c) -> d) <-> e"),
        ("a U b U c", "a U (b U c)"),
        ("a -> b -> c", "a -> (b -> c)"),
        ("!a U X b", "(!a) U (X b)"),
        ("G F a && b || c", "((G F a) & b) | c"),
    ],
)
def test_what_binds_tighter(text: str, same: str) -> None:
    assert parse(text) == parse(same)
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "position 1: expected a proposition"),
        ("a U", "position 4: expected a proposition, .* got the end"),
        ("(a & b", r"position 7: expected '\)' for the '\(' at 1"),
        ("a b", "position 3: expected an operator or the end, got 'b'"),
        ("a & $b", r"position 5: unexpected '\$'"),
        ("a & N b", "position 5: N is for finite traces"),
        ("a)", r"position 2: expected an operator or the end, got '\)'"),
        ("!" * 200 + "a", "nested deeper than 100"),
        ("(" * 200 + "a", "nested deeper than 100"),
        ("a U " * 200 + "a", "nested deeper than 100"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_position(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text)


def test_core_knows_four_operators() -> None:
    def operators(formula) -> set[str]:
        return {formula.operator}.union(*(operators(part) for part in formula.parts))

    everything = parse("G (a -> F b) <-> (a R b | a W X c) & !false")
    assert operators(core(everything)) <= {"true", "atom", "!", "&", "X", "U"}


def test_joining_simplifies() -> None:
    a, b = parse("a"), parse("b")
    assert all_of(a, TRUE, all_of(b, a)) == all_of(b, a)
    assert all_of(a, negated(a)) == FALSE
    assert any_of(a, negated(a)) == TRUE
    assert any_of(a, FALSE) == a
    assert negated(negated(a)) == a
