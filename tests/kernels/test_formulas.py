"""Formulas: the terms that are there are found, shortest first, and sizes are nested."""

import numpy as np
import pytest

from pellucid.kernels.additive import n_terms
from pellucid.kernels.formulas import MOST_PAIRED, grammar, grow_formulas
from pellucid.kernels.programs import outputs_of, used_inputs

RNG = np.random.default_rng(0)
ROWS = RNG.uniform(-1.0, 1.0, (3_000, 4))
ONES = np.ones(len(ROWS))


def grow(scores, sizes, n_choices=None, rows=ROWS):
    return grow_formulas(rows, scores, np.ones(len(rows)), sizes=sizes, n_choices=n_choices)


def test_the_grammar_of_two_inputs_by_hand():
    assert grammar((0, 1)) == (
        "x[0]", "x[1]", "abs(x[0])", "abs(x[1])", "x[0]*x[0]", "x[1]*x[1]", "x[0]*abs(x[0])",
        "x[1]*abs(x[1])", "x[0]*x[1]", "x[0]*abs(x[1])", "x[1]*abs(x[0])",
    )  # fmt: skip
    assert grammar(()) == ()


def test_terms_and_numbers_of_a_formula_are_found_again():
    scores = (2.0 * ROWS[:, 0] * ROWS[:, 1] - 0.5 * np.abs(ROWS[:, 2]) + 0.25)[:, None]
    (program,) = grow(scores, (2,))
    assert set(program.terms) == {"x[0]*x[1]", "abs(x[2])"}
    np.testing.assert_allclose(outputs_of(program, ROWS), scores, atol=0.005)
    assert used_inputs(program) == (0, 1, 2)


def test_a_product_decides_the_choice():
    product = ROWS[:, 0] * ROWS[:, 3]
    scores = np.column_stack([product, -product])
    (program,) = grow(scores, (1,), 2)
    assert program.terms == ("x[0]*x[3]",)
    same = outputs_of(program, ROWS).argmax(axis=1) == scores.argmax(axis=1)
    assert same.mean() > 0.99


def test_terms_that_are_inputs_are_no_terms_of_their_own():
    (program,) = grow(ROWS[:, :1], (1,))
    assert program.terms == ()
    assert program.weights[0, 0, 0] == pytest.approx(1.0, abs=0.001)


def test_sizes_are_nested_and_missing_less_with_each_term():
    scores = np.sin(3 * ROWS[:, :1]) * ROWS[:, 1:2]
    programs = grow(scores, (1, 2, 4))
    assert [n_terms(p) for p in programs] == [1, 2, 4]
    missed = [np.square(outputs_of(p, ROWS) - scores).mean() for p in programs]
    assert missed[0] >= missed[1] >= missed[2]


def test_more_terms_than_there_are_end_with_all():
    one = ROWS[:, :1]
    (program,) = grow(one, (99,), rows=one)
    assert n_terms(program) <= len(grammar((0,)))


def test_of_many_inputs_those_that_matter_are_paired():
    rows = RNG.uniform(-1.0, 1.0, (2_000, MOST_PAIRED + 4))
    scores = (rows[:, -1] + rows[:, -1] * rows[:, -2] + rows[:, -2])[:, None]
    (program,) = grow(scores, (3,), rows=rows)
    n = rows.shape[1]
    assert f"x[{n - 2}]*x[{n - 1}]" in program.terms


def test_constant_inputs_are_never_taken_up_before_others():
    rows = ROWS.copy()
    rows[:, 1] = 5.0
    (program,) = grow(ROWS[:, :1], (1,), rows=rows)
    assert used_inputs(program) == (0,)
