"""Trees of sums: a slanted border is one split, and sizes grow out of each other."""

import numpy as np
import pytest

from pellucid.kernels.cart import LEAF, best_split
from pellucid.kernels.oblique import MOST_INPUTS, best_question, candidates, grow_oblique_trees
from pellucid.kernels.programs import outputs_of

RNG = np.random.default_rng(0)
ROWS = RNG.uniform(-1.0, 1.0, (2_000, 4)) * np.array([1.0, 10.0, 0.1, 1.0])
ONES = np.ones(len(ROWS))
SLANTED = (ROWS[:, 0] - ROWS[:, 1] / 10 > 0.2).astype(np.int64)


def grow(targets, sizes, n_classes=2, rows=ROWS, weights=ONES):
    return grow_oblique_trees(
        rows, targets, weights, sizes=sizes, n_classes=n_classes, seed=0
    )  # fmt: skip


def test_a_slanted_border_needs_two_leaves():
    (program,) = grow(SLANTED, (2,))
    assert program.n_leaves == 2
    (term,) = program.terms
    assert term in ("x[0] - 0.1*x[1]", "x[0] - 0.101*x[1]", "x[0] - 0.0999*x[1]")
    right = outputs_of(program, ROWS).argmax(axis=1) == SLANTED
    assert right.mean() > 0.99


def test_a_straight_border_is_a_comparison_of_one_input():
    (program,) = grow((ROWS[:, 2] > 0.05).astype(np.int64), (2,))
    assert program.is_plain
    assert program.tree.features.tolist() == [2, LEAF, LEAF]
    assert program.tree.thresholds[0] == pytest.approx(0.05, abs=0.001)


def test_a_border_of_three_inputs_is_found_by_its_line():
    wanted = (ROWS @ np.array([1.0, 0.05, -4.0, 0.0]) > 0).astype(np.int64)
    (program,) = grow(wanted, (2,))
    assert (outputs_of(program, ROWS).argmax(axis=1) == wanted).mean() > 0.95


def test_sizes_are_nested_and_never_exceeded():
    targets = (2 * (ROWS[:, 0] > 0) + (ROWS[:, 1] > ROWS[:, 0])).astype(np.int64)
    two, three, eight = grow(targets, (2, 3, 8), n_classes=4)
    assert [p.n_leaves for p in (two, three)] == [2, 3]
    assert eight.n_leaves <= 8
    assert two.tree.thresholds[0] == eight.tree.thresholds[0]


def test_weights_decide_what_is_parted_first():
    targets = (2 * (ROWS[:, 0] > 0) + (ROWS[:, 3] > 0)).astype(np.int64)
    heavy = np.where(ROWS[:, 0] > 0, 100.0, 0.01)
    program = grow(targets, (2,), n_classes=4, weights=heavy)[0]
    assert program.tree.features[0] == 3


def test_numbers_are_followed():
    targets = np.where(SLANTED == 1, 2.0, -1.0)[:, None]
    (program,) = grow(targets, (2,), n_classes=None)
    np.testing.assert_allclose(np.sort(program.tree.values[1:, 0]), [-1.0, 2.0], atol=0.1)


def test_what_cannot_be_parted_stays_one_leaf():
    constant = np.zeros((50, 2))
    (program,) = grow(np.arange(50) % 2, (4,), rows=constant, weights=np.ones(50))
    assert program.n_leaves == 1
    (program,) = grow(np.zeros(2_000, int), (4,))
    assert program.n_leaves == 1
    assert best_question(constant[:1], np.zeros(1, int), np.ones(1), n_classes=2, seed=0) is None


def test_no_candidate_adds_up_more_than_can_be_read():
    sums = candidates(ROWS, SLANTED, ONES, n_classes=2)
    assert ((sums != 0).sum(axis=1) <= MOST_INPUTS).all()
    assert len(np.unique(sums, axis=0)) == len(sums)


def test_the_best_split_takes_all_impurity_where_it_can():
    found = best_split(ROWS[:, :1], (ROWS[:, 0] > 0).astype(int), ONES, n_classes=2, seed=0)
    # half of each: impurity 1/2 per row
    assert found.gain == pytest.approx(1_000, rel=0.01)
    assert best_split(np.ones((5, 1)), np.arange(5), np.ones(5), n_classes=5, seed=0) is None
