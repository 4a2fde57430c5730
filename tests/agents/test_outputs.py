"""Columns of preferences for every kind of action, counted by hand."""

import numpy as np
import pytest
from gymnasium import spaces

from pellucid.agents.acting import check_actions, draw
from pellucid.agents.outputs import (
    action_parts,
    action_words,
    chosen_columns,
    output_names,
    outputs_of_actions,
)
from pellucid.envs.names import Names
from pellucid.envs.rows import RowSpace
from pellucid.errors import AgentError, CapabilityError
from pellucid.types import MultiCategorical

GEARS = spaces.MultiDiscrete([2, 3], start=[0, 5])
LAMPS = spaces.MultiBinary(2)
DRIVE = RowSpace(
    spaces.Dict({"gear": spaces.Discrete(3, start=-1), "push": spaces.Box(-2.0, 4.0, (2,))})
)
NAMES = Names(("x",), ("",), ("clutch", "gear"), ("", "low | middle | high"))


def test_parts_follow_the_flattened_action() -> None:
    assert [(p.kind, p.first, p.n_outputs, p.start) for p in action_parts(GEARS)] == [
        ("choice", 0, 2, 0),
        ("choice", 2, 3, 5),
    ]
    assert [(p.first, p.n_outputs, p.is_switch) for p in action_parts(LAMPS)] == [
        (0, 2, True),
        (2, 2, True),
    ]
    assert [(p.kind, p.place, p.first, p.low, p.high) for p in action_parts(DRIVE)] == [
        ("choice", 0, 0, -1.0, 1.0),
        ("quantity", 1, 3, -2.0, 4.0),
        ("quantity", 2, 4, -2.0, 4.0),
    ]


def test_actions_become_ones_and_quantities() -> None:
    gears = outputs_of_actions(np.array([[1, 5], [0, 7]]), GEARS)
    assert gears.tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]
    assert chosen_columns(gears, GEARS).tolist() == [[1, 2], [0, 4]]
    drive = outputs_of_actions(np.float32([[-1, 0.5, 4]]), DRIVE)
    assert drive.tolist() == [[1, 0, 0, 0.5, 4]]
    assert chosen_columns(drive, DRIVE).tolist() == [[0, 3, 4]]
    grid = spaces.MultiDiscrete(np.array([[2, 2], [2, 2]]))
    squares = np.array([[[0, 1], [1, 0]]])
    assert outputs_of_actions(squares, grid).tolist() == [[1, 0, 0, 1, 0, 1, 1, 0]]


def test_values_are_called_by_their_part() -> None:
    assert output_names(GEARS, NAMES) == (
        "clutch: 0", "clutch: 1", "gear: low", "gear: middle", "gear: high"
    )  # fmt: skip
    assert output_names(LAMPS, NAMES)[:2] == ("clutch: off", "clutch: on")
    assert output_names(spaces.Box(-1, 1, (2,)), NAMES) == ("clutch", "gear")
    one = Names((), (), ("left", "right"), ("", ""))
    assert output_names(spaces.Discrete(2, start=3), one) == ("left", "right")


def test_actions_are_told_part_by_part() -> None:
    assert action_words(np.array([1, 7]), GEARS, NAMES) == "clutch: 1, gear: high"
    lamps = Names((), (), ("front", "back"), ("", ""))
    assert action_words(np.array([0, 1]), LAMPS, lamps) == "front: off, back: on"
    named = Names((), (), DRIVE.input_names, ("",) * 3)
    assert action_words(np.float32([-1, 0.5, 2]), DRIVE, named) == (
        "gear: -1, push[0] 0.5, push[1] 2"
    )
    assert action_words(np.array([1, 7]), GEARS, NAMES, unlike=np.array([1, 5])) == "gear: high"
    assert action_words(np.array([1, 7]), GEARS, NAMES, unlike=np.array([1, 7])).count(":") == 2
    one = Names((), (), ("left", "right"), ("", ""))
    assert action_words(np.int64(4), spaces.Discrete(2, start=3), one) == "right"


def test_a_text_is_no_action_that_can_be_preferred() -> None:
    with pytest.raises(CapabilityError, match="Text have no preferences"):
        action_parts(spaces.Text(3))


def test_parts_are_drawn_independently_and_from_their_own_probabilities() -> None:
    chances = np.array([[0.25, 0.75, 0.0, 1.0, 0.0]])
    rngs = [np.random.default_rng(seed) for seed in range(4000)]
    drawn = draw(MultiCategorical(chances.repeat(4000, axis=0), (2, 3), (0, 5)), rngs)
    assert drawn.shape == (4000, 2)
    assert set(drawn[:, 1].tolist()) == {6}
    # 3000 expected, standard deviation 27
    assert abs(int(drawn[:, 0].sum()) - 3000) < 110


def test_wrong_parts_are_refused() -> None:
    with pytest.raises(AgentError, match="returned the action 8"):
        check_actions(np.array([[0, 8]]), GEARS, 1, who="it")
    with pytest.raises(AgentError, match=r"shape \(1,\), expected \(1, 2\)"):
        check_actions(np.array([0]), GEARS, 1, who="it")
    with pytest.raises(AgentError, match="of type float64"):
        check_actions(np.array([[0.0, 1.0]]), LAMPS, 1, who="it")
