"""Trees with linear leaves: a bend is found where it is, and a line is left alone."""

import numpy as np
import pytest

from pellucid.kernels.cart import LEAF
from pellucid.kernels.linear_leaves import best_line_split, fit_leaves, grow_linear_trees
from pellucid.kernels.programs import outputs_of

RNG = np.random.default_rng(0)
ROWS = RNG.uniform(-1.0, 1.0, (1_000, 3))
ONES = np.ones(len(ROWS))


def bend(rows):
    """A line on each side of 0.3 in the second input."""
    return np.where(rows[:, 1] > 0.3, 4 * rows[:, 0], -2 * rows[:, 0])[:, None]


def test_the_first_split_is_where_the_line_bends():
    gain, column, threshold = best_line_split(ROWS, bend(ROWS), ONES)
    assert (column, threshold) == (1, pytest.approx(0.3, abs=0.05))
    assert gain > 0


def test_a_line_is_not_split_for_more_than_rounding():
    line = ROWS @ np.array([[1.0], [2.0], [-1.0]])
    gain, _, _ = best_line_split(ROWS, line, ONES / len(ROWS))
    # what the penalty leaves of it, of a variance of about 2
    assert gain < 1e-4


def test_too_few_rows_are_not_split():
    assert best_line_split(ROWS[:50], bend(ROWS[:50]), ONES[:50]) == (0.0, 0, 0.0)


def test_trees_grow_out_of_each_other():
    one, two, four = grow_linear_trees(ROWS, bend(ROWS), ONES, (1, 2, 4))
    assert [t.n_leaves for t in (one, two, four)] == [1, 2, 4]
    assert (four.features[0], four.thresholds[0]) == (two.features[0], two.thresholds[0])


def test_leaves_predict_numbers():
    (tree,) = grow_linear_trees(ROWS, bend(ROWS), ONES, (2,))
    program = fit_leaves(tree, ROWS, bend(ROWS), ONES, n_choices=None)
    sure = np.abs(ROWS[:, 1] - 0.3) > 0.05
    np.testing.assert_allclose(outputs_of(program, ROWS)[sure], bend(ROWS)[sure], atol=0.4)


def test_leaves_choose():
    scores = np.column_stack([bend(ROWS)[:, 0], -bend(ROWS)[:, 0]])
    (tree,) = grow_linear_trees(ROWS, np.eye(2)[scores.argmax(axis=1)], ONES, (2,))
    program = fit_leaves(tree, ROWS, scores, ONES, n_choices=2)
    assert (outputs_of(program, ROWS).argmax(axis=1) == scores.argmax(axis=1)).mean() > 0.97


def test_one_choice_everywhere_needs_no_weights():
    (tree,) = grow_linear_trees(ROWS, np.eye(2)[np.zeros(1_000, int)], ONES, (4,))
    assert tree.features.tolist() == [LEAF]
    program = fit_leaves(tree, ROWS, np.eye(2)[np.zeros(1_000, int)], ONES, n_choices=2)
    assert program.is_plain
    assert (outputs_of(program, ROWS).argmax(axis=1) == 0).all()
