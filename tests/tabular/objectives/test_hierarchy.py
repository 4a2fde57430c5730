"""The witnesses: they express what they should, and the proofs that others cannot hold."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pellucid.tabular.objectives import (
    GROUPS,
    comparisons,
    diagram_svg,
    matrix,
    translated,
    verified,
    witnesses,
)
from pellucid.tabular.objectives.certificates import Balance, SameLaw, ThreeLevels
from pellucid.tabular.objectives.continuum_certificates import (
    Family,
    Jump,
    Lexicographic,
    NoLevelLines,
    TouchingLevels,
)
from pellucid.tabular.objectives.formalisms import above_or_equal
from pellucid.tabular.objectives.hierarchy import consistent, covers
from pellucid.tabular.objectives.witness_tasks import policies_of

ALL = {witness.name: witness for witness in witnesses()}
CELLS = matrix(tuple(ALL.values()))
PROOFS = [(w.name, c.group, c) for w in ALL.values() for c in w.certificates]


def points(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return random points of a family, many of them on its edges."""
    n_parameters = ALL[name].n_parameters
    if name in ("W4", "W8"):
        return np.vstack([rng.dirichlet(np.ones(3), size=n), np.eye(3), np.full((1, 3), 1 / 3)])
    return rng.choice([0.0, 0.25, 0.5, 1.0], size=(n, n_parameters))


@pytest.mark.parametrize("name", ALL)
def test_a_witness_is_expressed_by_its_class_and_those_above(name: str) -> None:
    witness, rng = ALL[name], np.random.default_rng(0)
    one = points(name, 60, rng)
    other = rng.permutation(one)
    first, second = policies_of(witness, one), policies_of(witness, other)

    def level(point: np.ndarray) -> tuple[float, ...]:
        return tuple(float(v) for v in witness.level(tuple(map(Fraction, point))))

    wanted = [
        0
        if np.allclose(level(a), level(b), atol=1e-9)
        else int(level(a) > level(b)) - int(level(a) < level(b))
        for a, b in zip(one, other, strict=True)
    ]
    assert len(set(wanted)) == 3
    # in W6 and W7 chance is endless: functions of trajectories are not computed there
    endless = name in ("W6", "W7")
    groups = {witness.group} if endless else above_or_equal([witness.group])
    for group in sorted(groups):
        objective = translated(witness.objective, witness.mdp, source=witness.group, target=group)
        assert comparisons(objective, witness.mdp, first, second).tolist() == wanted, group


@pytest.mark.parametrize(("name", "group", "proof"), PROOFS)
def test_proofs_hold_in_exact_arithmetic(name: str, group: str, proof) -> None:
    assert proof.verify()
    assert proof.text()


def test_the_matrix_holds_in_40_cells_and_is_refuted_in_70() -> None:
    assert len(CELLS) == 110
    assert sum(cell.holds for cell in CELLS.values()) == 40
    assert sum(verified(cell) for cell in CELLS.values()) == 70
    assert consistent(CELLS)


def test_five_classes_each_express_something_that_the_other_four_cannot() -> None:
    five = ("RRL", "ONMR", "RM", "LTL", "LAR")
    assert not any(CELLS[a, b].holds for a in five for b in five if a != b)
    assert all(CELLS["PO", other].holds for other in GROUPS[1:])


# --- proofs that are wrong are not believed ---


def test_a_balance_with_other_multipliers_fails() -> None:
    proof = next(c for _, g, c in PROOFS if g == "FTR" and isinstance(c, Balance))
    assert proof.verify()
    pairs = proof.contradiction.strict
    first = next(iter(pairs))
    other = replace(proof.contradiction, strict={**pairs, first: (pairs[first][0] + 1,)})
    assert not replace(proof, contradiction=other).verify()
    negative = replace(proof.contradiction, strict={first: (Fraction(-1),)})
    assert not replace(proof, contradiction=negative).verify()
    swapped = replace(proof.contradiction, strict={(first[1], first[0]): pairs[first]})
    assert not replace(proof, contradiction=swapped).verify()


def test_a_balance_that_needs_one_discount_does_not_hold_for_all() -> None:
    # the multipliers of W7 change with the discount: as constants they fail
    proof = next(c for n, g, c in PROOFS if n == "W7" and g == "RRL")
    assert proof.contradiction.degree == 1
    constant = replace(
        proof.contradiction,
        strict={pair: (c[0],) for pair, c in proof.contradiction.strict.items() if c[0]},
        tied={pair: (c[0],) for pair, c in proof.contradiction.tied.items()},
    )
    assert not replace(proof, contradiction=constant).verify()


def test_laws_that_differ_are_not_taken_for_the_same() -> None:
    family = next(c for n, _, c in PROOFS if n == "W2").family
    one, other = family.law((Fraction(1), Fraction(0))), family.law((Fraction(1), Fraction(1)))
    assert not SameLaw(((one, False), (other, True))).verify()
    assert not SameLaw(((one, True), (one, True))).verify()


def test_a_random_policy_is_no_single_trajectory() -> None:
    family = next(c for n, _, c in PROOFS if n == "W2").family
    sure, half = (family.law((Fraction(p), Fraction(1))) for p in (1, Fraction(1, 2)))
    assert not ThreeLevels((sure, half, sure)).verify()


def test_arguments_fail_for_orders_that_can_be_expressed() -> None:
    family = next(c for n, _, c in PROOFS if n == "W2").family
    linear = Family(family.law, lambda point: (2 * point[0] + point[1],))
    corner, beside = (Fraction(0), Fraction(0)), (Fraction(1), Fraction(0))
    assert not NoLevelLines(linear, corner, beside).verify()
    assert not Lexicographic(linear).verify()
    assert not TouchingLevels(linear).verify()
    assert not Jump(linear, lambda t: (t, Fraction(0)), corner).verify()


def test_the_argument_about_lines_needs_an_affine_return() -> None:
    # in W7 the time spent in a state is no affine function of the chance of leaving it
    chain = next(c for n, _, c in PROOFS if n == "W7").family
    match = next(c for n, _, c in PROOFS if n == "W5").family
    bent = Family(chain.law, match.level)
    assert not NoLevelLines(bent, (Fraction(0), Fraction(0)), (Fraction(1), Fraction(0))).verify()


# --- the picture ---


def test_the_picture_shows_every_class_and_edge() -> None:
    picture = diagram_svg(CELLS)
    assert picture.count("<line") == len(covers(CELLS)) == 13
    assert picture.count("<rect") == 1 + 11
    assert "INMR, IMORL, FTR" in picture
    assert "PO above FPR and GOMORL, OMO, TLO" in picture


def test_the_picture_in_the_docs_is_the_one_that_is_computed() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "images" / "objectives.svg"
    assert page.read_text() == diagram_svg(CELLS)
