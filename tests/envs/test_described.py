"""Inputs without names are called by their place."""

import numpy as np
import pytest
from gymnasium import spaces

from pellucid.envs.described import channel_axis, described, is_image, names_of_inputs
from pellucid.envs.names import Names
from pellucid.envs.rows import RowSpace

UNNAMED = Names(
    tuple(f"input {i} (unnamed)" for i in range(48)), ("",) * 48, ("left", "right"), ("", "")
)
IMAGE = spaces.Box(0, 255, (4, 4, 3), np.uint8)


def test_pixels_are_called_by_row_column_and_colour() -> None:
    found = described(UNNAMED, IMAGE, spaces.Discrete(2))
    assert found.inputs[0] == "row 0, column 0, red"
    assert found.inputs[5] == "row 0, column 1, blue"
    assert found.inputs[-1] == "row 3, column 3, blue"
    assert found.actions == ("left", "right")
    assert found.source == "environment"


def test_channels_may_come_first_or_be_four_or_be_none() -> None:
    first = names_of_inputs(spaces.Box(0, 255, (3, 4, 4), np.uint8))
    assert first is not None
    assert first[16] == "row 0, column 0, green"
    stacked = names_of_inputs(spaces.Box(0, 255, (4, 8, 8), np.uint8))
    assert stacked is not None
    assert stacked[-1] == "row 7, column 7, channel 3"
    grey = names_of_inputs(spaces.Box(0, 255, (2, 2), np.uint8))
    assert grey == ("row 0, column 0", "row 0, column 1", "row 1, column 0", "row 1, column 1")
    assert channel_axis((3, 36, 36)) == 0


def test_parts_are_called_by_their_keys() -> None:
    space = RowSpace(spaces.Dict({"camera": IMAGE, "gear": spaces.Discrete(3)}))
    found = names_of_inputs(space)
    assert found is not None
    assert found[0] == "camera row 0, column 0, red"
    assert found[-1] == "gear"
    assert len(found) == space.shape[0]


def test_names_that_are_there_stay() -> None:
    named = Names(("x",), ("m",), ("go",), ("",), source="file")
    assert described(named, spaces.Box(0, 255, (1, 1, 1), np.uint8), spaces.Discrete(1)) == named


@pytest.mark.parametrize(
    "space",
    [spaces.Box(0.0, 1.0, (2, 2, 3)), spaces.Box(0, 255, (4,), np.uint8), spaces.Discrete(3)],
)
def test_other_inputs_have_no_place(space: spaces.Space[object]) -> None:
    assert not is_image(space)
    assert names_of_inputs(space) is None


def test_actions_of_parts_are_called_by_their_keys() -> None:
    actions = RowSpace(spaces.Dict({"gear": spaces.Discrete(3), "push": spaces.Box(-1, 1, (2,))}))
    unnamed = Names(("speed",), ("",), tuple(f"action {i} (unnamed)" for i in range(3)), ("",) * 3)
    found = described(unnamed, spaces.Box(0.0, 1.0, (1,)), actions)
    assert found.actions == ("gear", "push[0]", "push[1]")
