"""Comparisons that tell best where something is so, where it is known which."""

import numpy as np
import pytest

from pellucid.kernels.predicates import holds
from pellucid.kernels.splitting_states import cells_of, choose_comparisons


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).uniform(-1, 1, (1500, 4))


def texts(chosen):
    return [str(c) for c in chosen]


def test_a_threshold_is_found_to_the_row(rows):
    (found,) = choose_comparisons(rows, rows[:, 2] > 0.237, most=6)
    assert found.left.column == 2
    assert (holds(found, rows) == (rows[:, 2] > 0.237)).all()


def test_an_input_that_counts_beside_another_alone_is_found(rows):
    labels = (rows[:, 0] > 0.1) & (rows[:, 3] > -0.3)
    found = choose_comparisons(rows, labels, most=6)
    assert sorted(c.left.column for c in found) == [0, 3]
    cells = cells_of(rows, found)
    assert all(len(np.unique(labels[cells == cell])) == 1 for cell in np.unique(cells))


def test_no_more_are_chosen_than_asked_for(rows):
    labels = (rows[:, 0] > 0.1) & (rows[:, 3] > -0.3) & (rows[:, 1] > 0.0)
    assert len(choose_comparisons(rows, labels, most=2)) == 2


def test_noise_is_told_by_nothing_much(rows):
    labels = np.random.default_rng(1).random(len(rows)) < 0.5
    assert len(choose_comparisons(rows, labels, most=6)) <= 6
    assert choose_comparisons(rows, np.ones(len(rows), dtype=bool), most=6) == ()


def test_categories_are_told_by_their_value():
    rows = np.tile(np.arange(5.0), 20)[:, None]
    found = choose_comparisons(rows, rows[:, 0] == 3, most=6, categories=True)
    assert texts(found) == ["x[0] == 3.0"]


def test_inputs_that_never_vary_or_are_no_numbers_are_passed_over():
    rows = np.array([[1.0, np.nan, 0.0], [1.0, np.nan, 1.0]] * 10)
    assert texts(choose_comparisons(rows, rows[:, 2] > 0, most=6)) == ["x[2] > 0.5"]


def test_the_order_of_inputs_does_not_matter(rows):
    labels = (rows[:, 0] > 0.1) & (rows[:, 3] > -0.3)
    order = [2, 0, 3, 1]
    one = choose_comparisons(rows, labels, most=6)
    other = choose_comparisons(rows[:, order], labels, most=6)
    assert [(order[c.left.column], c.right) for c in other] == [
        (c.left.column, c.right) for c in one
    ]
