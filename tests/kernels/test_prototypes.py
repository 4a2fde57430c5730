"""Examples that tell classes, against answers worked out by hand."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pellucid.kernels.prototypes import exchanged, medoids, nearest_labels, within_spread


def test_a_column_is_measured_by_how_it_varies_within_classes():
    rows = np.array([[0.0, 5.0], [2.0, 5.0], [10.0, 5.0], [14.0, 5.0]])
    # squares 1, 1, 4, 4 about the means 1 and 12; the second column never varies
    found = within_spread(rows, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(found, [np.sqrt(2.5), 1.0])


def test_the_nearest_example_tells_and_the_first_of_equals():
    examples = np.array([[0.0], [2.0], [5.0]])
    found = nearest_labels(np.array([[0.9], [1.0], [1.1], [9.0]]), examples, np.array([3, 1, 3]))
    assert found.tolist() == [3, 3, 1, 3]


def test_medoids_are_close_to_the_best_choice():
    rng = np.random.default_rng(0)
    for _ in range(10):
        rows = rng.normal(size=(9, 2))
        distances = cdist(rows, rows)

        def gain(chosen, far=distances):
            return (far.max() - far[:, list(chosen)].min(axis=1)).sum()

        best = max(gain(c) for c in itertools.combinations(range(9), 3))
        assert gain(medoids(rows, 3)) >= (1 - 1 / np.e) * best


def test_rows_that_are_alike_have_one_medoid():
    assert medoids(np.ones((5, 2)), 3).tolist() == [0]
    assert medoids(np.ones((1, 2)), 3).tolist() == [0]
    assert len(medoids(np.array([[0.0], [0.0], [1.0]]), 3)) == 2


def test_exchanging_moves_an_example_to_where_it_tells_more():
    # class 0 at 0 to 4, class 1 at 5 to 9: from 0 and 5, rows 3 and 4 go to the wrong side
    rows = np.arange(10.0)[:, None]
    labels = np.repeat([0, 1], 5)
    distances = cdist(rows, rows)
    chosen = np.array([0, 5])
    found = exchanged(distances, labels, labels, chosen)
    assert labels[found].tolist() == [0, 1]
    assert (nearest_labels(rows, rows[found], labels[found]) == labels).all()
    assert chosen.tolist() == [0, 5]


def test_exchanging_never_tells_less():
    rng = np.random.default_rng(1)
    for _ in range(20):
        rows, labels = rng.normal(size=(40, 2)), rng.integers(3, size=40)
        chosen = np.concatenate([np.flatnonzero(labels == c)[:2] for c in range(3)])
        found = exchanged(cdist(rows, rows), labels, labels, chosen)
        before, after = (
            (nearest_labels(rows, rows[c], labels[c]) == labels).mean() for c in (chosen, found)
        )
        assert after >= before
        assert labels[found].tolist() == labels[chosen].tolist()


@pytest.mark.parametrize("n_rows", [1, 4])
def test_a_single_example_tells_everything_of_one_class(n_rows):
    rows, labels = np.arange(float(n_rows))[:, None], np.zeros(n_rows, dtype=int)
    assert len(exchanged(cdist(rows, rows), labels, labels, np.array([0]))) == 1
