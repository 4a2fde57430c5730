"""States made of two others, and distances in units."""

import numpy as np
import pytest

from pellucid.explanation.groups import grid_patches, located_groups, single_inputs
from pellucid.explanation.swapping import (
    group_changes,
    in_units,
    input_units,
    scaled_distances,
    swapped,
)


def bright(images):
    """The ball is what is brighter than 100."""
    return np.where(images > 100, 0, -1)


BALL = located_groups(bright, ("the ball",))


def test_patches_come_from_the_other_image_as_they_are():
    own, other = np.zeros((8, 8), np.uint8), np.arange(64, dtype=np.uint8).reshape(8, 8)
    groups = grid_patches((8, 8), 2, 2)
    rows = swapped(own, other, np.eye(4, dtype=bool), groups)
    assert rows.shape == (4, 8, 8)
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows[1, :4, 4:], other[:4, 4:])
    assert rows[1].sum() == other[:4, 4:].sum()
    np.testing.assert_array_equal(swapped(own, other, np.ones((1, 4), bool), groups)[0], other)


def test_an_object_leaves_its_place_and_is_put_where_the_other_state_has_it():
    own, other = np.full((1, 5), 10.0), np.full((1, 5), 20.0)
    own[0, 1], other[0, 3] = 200.0, 250.0
    behind = np.full(5, 15.0)
    masks = np.array([[False, False], [True, False], [False, True], [True, True]])
    rows = swapped(own, other, masks, BALL, behind)[:, 0].tolist()
    assert rows == [
        [10, 200, 10, 10, 10],  # as it was
        [10, 15, 10, 250, 10],  # the ball elsewhere
        [20, 200, 20, 15, 20],  # the ground of the other one
        [20, 20, 20, 250, 20],  # the other one
    ]


def test_units_are_deviations_and_of_groups_distances_are_means():
    visited = np.array([[0.0, 1.0, 0.1], [2.0, 1.0, 0.1], [0.0, 5.0, 0.1]])
    np.testing.assert_allclose(input_units(visited), visited.std(axis=0) * [1, 1, 0], atol=1e-15)
    assert input_units(np.full((7, 1), 0.1))[0] == 0.0
    alone = input_units(visited, single_inputs(("a", "b", "c")))
    np.testing.assert_array_equal(alone, input_units(visited))
    images = np.zeros((2, 8, 8))
    images[1] = 2.0  # a deviation of 1 everywhere
    units = input_units(images, grid_patches((8, 8), 2, 2))
    np.testing.assert_allclose(units, 16.0)
    changed = images[0].copy()
    changed[:4, :4] = 3.0
    assert scaled_distances(changed[None], images[0], units).tolist() == [3.0]
    groups = grid_patches((8, 8), 2, 2)
    assert group_changes(images[0], changed[None], groups, units).tolist() == [[3.0, 0, 0, 0]]
    assert in_units(changed[None], units).sum() == pytest.approx(3.0)


def test_inputs_without_a_unit_do_not_count():
    rows = np.array([[1.0, 9.0], [2.0, 9.0]])
    units = np.array([0.5, 0.0])
    assert scaled_distances(rows, np.zeros(2), units).tolist() == [2.0, 4.0]
    assert scaled_distances(rows, np.array([[1.0, 0], [0, 0]]), units).tolist() == [0.0, 4.0]
    assert scaled_distances(np.empty((0, 2)), np.zeros(2), units).tolist() == []
    assert in_units(rows, units).tolist() == [[2.0, 0.0], [4.0, 0.0]]


def test_an_object_counts_where_it_is_in_either_state():
    own, other = np.full((1, 4), 10.0), np.full((1, 4), 10.0)
    own[0, 0], other[0, 2] = 200.0, 200.0
    changes = group_changes(own, other[None], BALL, np.ones(4))
    assert changes.tolist() == [[190.0, 190.0]]
