"""Steps along probes and in directions by lot, by hand."""

import numpy as np

from pellucid.kernels.concept_steps import as_long_as, concept_step, random_steps

HELD = np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]])


def test_a_step_is_as_long_as_the_concept_spreads_along_the_probe() -> None:
    # along (3, 4) / 5 the rows lie at 0, 1.6, 2.4 and 4: true ones 2.4 further than false ones
    labels = np.array([False, False, True, True])
    step = concept_step(np.array([30.0, 40.0]), HELD, labels)
    np.testing.assert_allclose(step, 2.4 * np.array([0.6, 0.8]))


def test_a_copy_of_a_unit_leaves_the_step_of_the_first_as_it_was() -> None:
    labels = np.array([False, False, True, True])
    twice = concept_step(np.array([1.0, 1.0]), HELD[:, [0, 0]], labels)
    np.testing.assert_allclose(twice, [4.0, 4.0])


def test_without_slopes_or_labels_there_is_no_step() -> None:
    labels = np.array([False, False, True, True])
    for slopes, own in (
        (np.zeros(2), labels),
        (np.ones(2), np.ones(4, bool)),
        (np.ones(2), np.zeros(4, bool)),
    ):
        assert concept_step(slopes, HELD, own).tolist() == [0.0, 0.0]


def test_directions_by_lot_are_as_long_and_lie_all_around() -> None:
    steps = random_steps(np.array([0.0, 2.0, 0.0]), 4000, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 2.0)
    np.testing.assert_allclose(steps.mean(axis=0), 0.0, atol=0.1)
    # even in all directions: the square of a coordinate is a third of the length's
    np.testing.assert_allclose((steps**2).mean(axis=0), 4.0 / 3.0, rtol=0.05)


def test_what_has_no_length_stays_so() -> None:
    found = as_long_as(np.array([3.0, 4.0]), np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert found.tolist() == [[0.0, 0.0], [0.0, 5.0]]
