"""What trees can do within a box, asked by name."""

import numpy as np
import pytest

from pellucid.errors import CapabilityError, InputError
from pellucid.explanation.box_checks import possible_actions
from tests.explanation.test_programs import ACTIONS, LINEAR
from tests.explanation.test_programs import content as sums
from tests.explanation.test_trees import content

# if speed <= 0.125: stay; else if height <= -2: stay; else go


@pytest.mark.parametrize(
    ("ranges", "actions"),
    [
        ({}, ("stay", "go")),
        ({"speed": (-5.0, 0.125)}, ("stay",)),
        ({"speed": (-5.0, 0.126)}, ("stay", "go")),
        ({"speed": (1.0, 2.0), "height": (-1.0, 3.0)}, ("go",)),
        ({"height": (-9.0, -2.0)}, ("stay",)),
        ({"speed": (0.2, 0.2), "height": (0.0, 0.0)}, ("go",)),
    ],
)
def test_actions_of_boxes_by_hand(ranges, actions):
    assert possible_actions(content(), ranges) == actions


def test_unknown_inputs_and_turned_ranges_are_named():
    with pytest.raises(InputError, match="no input is called 'hight'") as refused:
        possible_actions(content(), {"hight": (0.0, 1.0)})
    assert "height, speed" in refused.value.hint
    with pytest.raises(
        InputError, match=r"speed: expected a lowest value first, got 1\.0 and 0\.0"
    ):
        possible_actions(content(), {"speed": (1.0, 0.0)})
    with pytest.raises(InputError, match="got nan"):
        possible_actions(content(), {"speed": (float("nan"), 0.0)})


def test_what_is_not_decided_exactly_names_what_is():
    assert len(ACTIONS) == 2
    with pytest.raises(CapabilityError, match="sums of inputs") as refused:
        possible_actions(sums(LINEAR), {})
    assert "viper-tree" in refused.value.hint
    with pytest.raises(CapabilityError, match="continuous action"):
        possible_actions(content(actions=np.empty(0, np.int64)), {})
