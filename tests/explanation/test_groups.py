"""Groups of inputs: grids, names, objects, and what is hidden with a group."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explanation.groups import (
    blocks,
    box_labels,
    grid_patches,
    group_centres,
    group_sums,
    image_layout,
    located_groups,
    named_groups,
    single_inputs,
    usual_patches,
)


def test_single_inputs_are_their_own_groups_and_store_nothing():
    groups = single_inputs("abc")
    assert groups.are_inputs
    assert groups.stored.size == 0
    hidden = np.array([[True, False, True]])
    assert groups.hidden_inputs(hidden, np.zeros((1, 3))) is hidden


def test_a_grid_joins_all_channels_of_a_patch():
    last = grid_patches((8, 8, 2), 2, 4)
    labels = last.labels.reshape(8, 8, 2)
    assert (labels[:, :, 0] == labels[:, :, 1]).all()
    assert labels[0, :, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert labels[:, 0, 0].tolist() == [0, 0, 0, 0, 4, 4, 4, 4]
    first = grid_patches((2, 8, 8), 2, 4).labels.reshape(2, 8, 8)
    np.testing.assert_array_equal(first[1], labels[:, :, 0])
    assert last.names[5] == "the patch at rows 4 to 7, columns 2 to 3"


def test_patches_at_the_end_may_be_smaller():
    groups = usual_patches((84, 84, 4))
    assert len(groups) == 64
    sizes = np.bincount(groups.labels)
    assert sizes[0] == 11 * 11 * 4
    assert sizes[-1] == 7 * 7 * 4
    assert len(usual_patches((10, 10, 6))) == 25


@pytest.mark.parametrize(
    ("shape", "rows"),
    [((84, 84), 0), ((84, 84, 3), 0), ((3, 84, 84), 1), ((10, 10, 10), 0), ((16,), None),
     ((4, 16), None), ((7, 84), None), ((40, 84, 84), None), ((2, 3, 84, 84), None)],
)  # fmt: skip
def test_what_counts_as_an_image(shape, rows):
    layout = image_layout(shape)
    assert (None if layout is None else layout.rows) == rows


def test_blocks_are_even_and_cover_every_input():
    groups = blocks(10, 3)
    assert groups.names == ("inputs 0 to 3", "inputs 4 to 6", "inputs 7 to 9")
    assert np.bincount(groups.labels).tolist() == [4, 3, 3]


def test_inputs_in_no_named_group_are_one_group_at_the_end():
    groups = named_groups([("place", [0, 2]), ("speed", [1])], 5)
    assert groups.names == ("place", "speed", "all other inputs")
    assert groups.labels.tolist() == [0, 1, 0, 2, 2]
    assert named_groups([("all", [0, 1])], 2).names == ("all",)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("a", [])], "'a' has no inputs"),
        ([("a", [3])], "names input 3; there are 3, from 0"),
        ([("a", [-1])], "names input -1"),
        ([("a", [0]), ("b", [0])], "input 0 is in two groups, the second is 'b'"),
        ([("a", [0, 0])], "in two groups"),
    ],
)
def test_groups_that_do_not_fit_are_refused(members, words):
    with pytest.raises(InputError, match=words):
        named_groups(members, 3)


@pytest.mark.parametrize(("rows", "columns"), [(9, 1), (1, 0)])
def test_a_grid_finer_than_the_image_is_refused(rows, columns):
    with pytest.raises(InputError, match="does not fit 8 x 8 pixels"):
        grid_patches((8, 8), rows, columns)
    with pytest.raises(InputError, match="no images"):
        grid_patches((8,), 2, 2)


def find_ball(images):
    """The brightest pixel of each image is the ball."""
    rows = images.reshape(len(images), -1)
    labels = np.full(rows.shape, -1)
    labels[np.arange(len(rows)), rows.argmax(axis=1)] = 0
    return labels.reshape(images.shape)


def test_located_groups_move_with_what_is_seen():
    groups = located_groups(find_ball, ("ball",))
    images = np.zeros((2, 8, 8))
    images[0, 1, 2] = images[1, 5, 5] = 9.0
    labels = groups.of(images)
    assert labels.tolist().count(0) == 0
    assert [np.flatnonzero(row == 0).tolist() for row in labels] == [[10], [45]]
    assert groups.names == ("ball", "everything else")
    hidden = groups.hidden_inputs(np.array([[True, False]] * 2), images)
    assert hidden.sum(axis=1).tolist() == [1, 1]
    means = groups.means(images)
    np.testing.assert_allclose(means, [[9.0, 0.0], [9.0, 0.0]])
    assert np.isnan(located_groups(lambda x: np.full(x.shape, -1), ("ball",)).means(images)[0, 0])


def test_labels_of_pixels_stand_for_all_channels():
    groups = located_groups(lambda x: np.zeros(x.shape[:3], dtype=int), ("all",))
    assert (groups.of(np.zeros((1, 8, 8, 3))) == 0).all()


@pytest.mark.parametrize("found", [np.zeros((1, 8, 8)), np.zeros((1, 8, 7), int), np.zeros((2, 8))])
def test_labels_of_another_form_are_refused(found):
    with pytest.raises(InputError, match="the function that finds groups returned"):
        located_groups(lambda x: found, ("a",)).of(np.zeros((1, 8, 8, 3)))


def test_boxes_become_labels_with_later_ones_in_front():
    boxes = np.array([[[0, 0, 2, 2], [1, 1, 3, 3], [np.nan] * 4]])
    assert box_labels(boxes, 3, 3)[0].tolist() == [[0, 0, -1], [0, 1, 1], [-1, 1, 1]]


def test_sums_and_centres_of_groups():
    rows = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    labels = np.array([[0, 1, 1], [2, 2, 0]])
    np.testing.assert_allclose(group_sums(rows, labels, 3), [[1, 5, 0], [6, 0, 9]])
    groups = grid_patches((8, 8, 2), 2, 2)
    centres = group_centres(groups.labels, (8, 8, 2), 4)
    np.testing.assert_allclose(centres, [[1.5, 1.5], [1.5, 5.5], [5.5, 1.5], [5.5, 5.5]])


def test_donors_have_no_objects_but_what_is_seen_behind_them():
    groups = located_groups(find_ball, ("ball",))
    images = np.full((3, 8, 8), 2, dtype=np.uint8)
    images[0, 1, 2] = images[1, 5, 5] = images[2, 5, 5] = 200
    donors = groups.donors(images[:2], groups.behind(images))
    assert donors.dtype == np.uint8
    assert (donors == 2).all()
    fixed = grid_patches((8, 8), 2, 2)
    assert fixed.donors(images, fixed.behind(images)) is images
    # a place that is never seen without an object: the mean over all states
    always = located_groups(lambda x: np.zeros(x.shape, dtype=int), ("all",))
    assert always.behind(images)[45] == round((2 + 200 + 200) / 3)
