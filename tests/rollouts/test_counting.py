"""What is counted along a future, by hand."""

import numpy as np
import pytest

from pellucid.rollouts.counting import Counted, discounted_sums

SEEN = np.array([[0.0, 5.0], [1.0, 5.0], [1.0, 7.0], [0.0, 5.0]])


def test_a_place_is_counted_on_arrival_and_unknown_places_never():
    counted = Counted("places", ("a", "b"), places=np.array([[0.0, 5.0], [1.0, 5.0]]))
    assert counted.of(SEEN, {}).tolist() == [[0, 1], [0, 0], [1, 0]]


def test_places_that_rounding_tells_apart_are_the_same():
    counted = Counted("places", ("a",), places=np.array([[1.0, 5.0]]))
    shown = SEEN + np.array([1e-7, -1e-7])
    assert counted.of(shown, {}).tolist() == [[1], [0], [0]]


def test_levels_are_strict_on_both_sides():
    counted = Counted(
        "levels",
        ("high", "low", "second high"),
        columns=np.array([0, 0, 1]),
        bounds=np.array([0.0, 1.0, 5.0]),
        above=np.array([True, False, True]),
    )
    assert counted.of(SEEN, {}).tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_terms_are_what_was_paid_and_unknown_ones_are_not_a_number():
    counted = Counted("terms", ("fuel", "goal"))
    found = counted.of(SEEN, {"goal": np.array([0.0, 0.0, 9.0])})
    assert found[:, 1].tolist() == [0, 0, 9]
    assert np.isnan(found[:, 0]).all()


def test_numbers_of_states_are_places_too():
    counted = Counted("places", ("3",), places=np.array([[3.0]]))
    assert counted.of(np.array([0, 3, 3]), {}).tolist() == [[1], [1]]


@pytest.mark.parametrize(("horizon", "total"), [(1, 4.0), (2, 6.0), (9, 6.25)])
def test_the_first_step_counts_in_full_and_the_horizon_ends_it(horizon, total):
    counts = np.array([[4.0], [4.0], [1.0]])
    assert discounted_sums(counts, 0.5, horizon).tolist() == [total]


def test_nothing_that_follows_sums_to_nothing():
    assert discounted_sums(np.empty((0, 2)), 0.9, 5).tolist() == [0.0, 0.0]
