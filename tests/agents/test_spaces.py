"""Spaces as JSON, in words and compared."""

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    MultiBinary,
    MultiDiscrete,
    OneOf,
    Sequence,
    Text,
    Tuple,
)

from pellucid.agents.spaces import Spaces, describe, from_json, require_equal, to_json
from pellucid.envs.rows import RowSpace
from pellucid.errors import DataError, InputError
from pellucid.io.strict_json import dumps, loads

SPACES = [
    Box(np.array([-np.inf, -1.5], np.float32), np.array([np.inf, 4.8], np.float32)),
    Box(0, 255, (2, 2, 1), np.uint8),
    Box(-np.inf, np.inf, (3,), np.float64),
    Discrete(4),
    Discrete(3, start=-2, dtype=np.int32),
    MultiDiscrete([2, 5]),
    MultiBinary((2, 2)),
    MultiBinary(3),
    MultiDiscrete([2, 5], start=[0, 7]),
    RowSpace(Dict({"gear": Discrete(3, start=2), "image": Box(0, 255, (2, 2, 3), np.uint8)})),
    RowSpace(Tuple([Text(5, min_length=0, charset="ab"), Dict({"on": MultiBinary(2)})])),
    RowSpace(Sequence(Box(-1.0, 1.0, (2,)), stack=True)),
    RowSpace(Graph(Box(-1.0, 1.0, (2,)), Discrete(3))),
    RowSpace(Graph(Discrete(3), None)),
]


@pytest.mark.parametrize("space", SPACES)
def test_a_space_comes_back_from_json(space: Any) -> None:
    back = from_json(loads(dumps(to_json(space))), where="x")
    assert back == space
    assert back.dtype == space.dtype


@pytest.mark.parametrize(
    "plain",
    [
        {"type": "RowSpace", "of": {"type": "Dict", "parts": [["a", {"type": "Nothing"}]]}},
        {"type": "RowSpace", "of": {"type": "Dict", "parts": {"a": 1}}},
        {"type": "RowSpace", "of": {"type": "Text", "max_length": 2, "min_length": 0}},
        {"type": "RowSpace", "of": {"type": "Sequence", "item": None, "stack": True}},
        {"type": "Dict", "parts": [[3, {"type": "Discrete", "n": 2}]]},
        # each part fits in memory, and all together do not
        {"type": "Tuple", "parts": [{"type": "MultiBinary", "shape": [6_000_000]}] * 1000},
        {"type": "RowSpace", "of": {"type": "Sequence", "stack": True, "item": {
            "type": "Box", "shape": [900_000], "dtype": "float32", "low": 0.0, "high": 1.0}}},
    ],
)  # fmt: skip
def test_parts_that_describe_no_space_are_refused(plain: Any) -> None:
    with pytest.raises(DataError, match="does not describe a space"):
        from_json(plain, where="x")


def test_a_description_without_end_is_refused() -> None:
    plain: Any = {"type": "Discrete", "n": 2}
    for _ in range(3000):
        plain = {"type": "Tuple", "parts": [plain]}
    with pytest.raises(DataError, match="does not describe a space"):
        from_json(plain, where="x")


def test_equal_bounds_are_one_number() -> None:
    assert to_json(SPACES[1])["high"] == 255.0


def test_another_space_is_refused() -> None:
    with pytest.raises(InputError, match="OneOf is not supported"):
        to_json(OneOf((Discrete(2), Discrete(3))))


@pytest.mark.parametrize(
    "plain",
    [
        None,
        {},
        {"type": "OneOf"},
        {"type": "Box", "shape": [10**12], "dtype": "float32", "low": 0, "high": 1},
        {"type": "Box", "shape": [2], "dtype": "O", "low": 0, "high": 1},
        {"type": "Box", "shape": [2], "dtype": "nonsense", "low": 0, "high": 1},
        {"type": "Box", "shape": [2], "dtype": "float32", "low": [0], "high": 1},
        {"type": "Box", "shape": [-2], "dtype": "float32", "low": 0, "high": 1},
        {"type": "Discrete", "n": 0},
        {"type": "Discrete", "n": True},
        {"type": "Discrete", "n": 10**30},
        {"type": "MultiDiscrete", "nvec": "x"},
    ],
)
def test_what_describes_no_space_is_refused(plain: Any) -> None:
    with pytest.raises(DataError, match=r"x does not describe a space") as caught:
        from_json(plain, where="x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (SPACES[1], "Box of shape (2, 2, 1), uint8"),
        (SPACES[4], "Discrete with 3 values from -2"),
        (Discrete(4), "Discrete with 4 values"),
    ],
)
def test_a_space_in_words(space: Any, words: str) -> None:
    assert describe(space) == words


@pytest.mark.parametrize(
    ("ours", "theirs", "what"),
    [
        (Spaces(SPACES[0], Discrete(4)), Spaces(SPACES[0], Discrete(5)), "4 values.* 5 values"),
        (Spaces(SPACES[0], Discrete(4)), Spaces(SPACES[2], Discrete(4)), r"\(2,\).*\(3,\)"),
        (Spaces(SPACES[0], Box(-1, 1, (1,))), Spaces(SPACES[0], Box(-2, 2, (1,))), "bounds"),
        (
            Spaces(MultiDiscrete([2, 5]), Discrete(4)),
            Spaces(MultiDiscrete([5, 2]), Discrete(4)),
            r"\[2, 5\].*\[5, 2\]",
        ),
    ],
)
def test_a_difference_is_named_from_both_sides(ours: Spaces, theirs: Spaces, what: str) -> None:
    with pytest.raises(InputError, match=f"a was made for other .*{what}"):
        require_equal(ours, theirs, who="a")


def test_observation_bounds_may_differ() -> None:
    ours = Spaces(Box(-1, 1, (2,)), Box(-1, 1, (1,)))
    theirs = Spaces(Box(-9, 9, (2,)), Box(-1, 1, (1,)))
    assert ours.observation != theirs.observation
    require_equal(ours, theirs, who="a")  # refuses nothing
