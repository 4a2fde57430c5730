"""Elements of any space become rows and come back exactly (F28)."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from pellucid.envs.laid_out import Rows
from pellucid.envs.row_codecs import DoesNotFitError
from pellucid.envs.rows import RowSpace, as_array_space, original_space
from pellucid.errors import CapabilityError

EVERYTHING = spaces.Dict(
    {
        "camera": spaces.Box(0, 255, (4, 5, 3), np.uint8),
        "place": spaces.Box(-np.inf, np.inf, (2,), np.float64),
        "half": spaces.Box(-1.0, 1.0, (2, 2), np.float16),
        "nothing": spaces.Box(0.0, 1.0, (0,)),
        "gear": spaces.Discrete(5, start=5),
        "both": spaces.Tuple([spaces.MultiBinary((2, 2)), spaces.MultiDiscrete([2, 3])]),
        "word": spaces.Text(8, min_length=0),
        "items": spaces.Sequence(
            spaces.Dict({"kind": spaces.Discrete(3), "at": spaces.Box(0, 1, (2,))})
        ),
        "stack": spaces.Sequence(spaces.Box(0.0, 1.0, (2,)), stack=True),
        "graph": spaces.Graph(spaces.Box(0.0, 1.0, (2,)), spaces.Discrete(4)),
        "nodes": spaces.Graph(spaces.Discrete(3), None),
    }
)


def assert_same(first: Any, second: Any) -> None:
    """Compare two elements to the bit, their types included."""
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert list(first) == list(second)
        for key, value in first.items():
            assert_same(value, second[key])
    elif isinstance(first, tuple | list):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, np.ndarray | np.generic):
        assert (first.dtype, first.shape) == (second.dtype, second.shape)
        assert first.tobytes() == second.tobytes()
    else:
        assert first == second


def test_columns_are_the_parts_side_by_side() -> None:
    space = RowSpace(spaces.Dict({"on": spaces.MultiBinary(2), "at": spaces.Discrete(3, start=5)}))
    row = space.row({"on": np.array([0, 1], np.int8), "at": np.int64(6)})
    assert row.tolist() == [6.0, 0.0, 1.0]  # Gymnasium orders the parts by key
    assert row.dtype == np.float32
    assert space.input_names == ("at", "on[0]", "on[1]")
    assert [part.columns for part in space.parts] == [slice(0, 1), slice(1, 3)]
    assert str(space).startswith("Dict('at': Discrete(3, start=5)")
    assert str(space).endswith("as rows of 3 numbers")


@pytest.mark.parametrize("key", list(EVERYTHING))
def test_elements_of_every_space_come_back_to_the_bit(key: str) -> None:
    space = RowSpace(EVERYTHING[key])
    space.seed(0)
    for _ in range(50):
        element = space.original.sample()
        assert_same(space.element(space.row(element)), element)


def test_elements_of_all_of_them_together_come_back() -> None:
    space = RowSpace(EVERYTHING)
    space.seed(1)
    rows = []
    for _ in range(20):
        element = EVERYTHING.sample()
        rows.append(space.row(element))
        assert_same(space.element(rows[-1]), element)
        assert space.contains(rows[-1])
    batch = space.elements(np.stack(rows))
    np.testing.assert_array_equal(space.rows_of(batch, len(rows)), np.stack(rows))
    assert len(space.input_names) == len(set(space.input_names)) == space.shape[0]


def test_minus_zero_and_values_beyond_the_range_are_kept() -> None:
    space = RowSpace(spaces.Tuple([spaces.Box(-1.0, 1.0, (3,))]))
    element = (np.float32([-0.0, 1e30, -np.inf]),)
    assert_same(space.element(space.row(element)), element)


@pytest.mark.parametrize(
    ("inner", "dtype"),
    [
        (spaces.Box(0, 255, (2,), np.uint8), np.float32),
        (spaces.Box(-1.0, 1.0, (2,), np.float32), np.float32),
        (spaces.Box(-1.0, 1.0, (2,), np.float64), np.float64),
        (spaces.Box(0, 2**31 - 1, (2,), np.int32), np.float64),
        (spaces.Discrete(2**24), np.float32),
        (spaces.Discrete(2**24 + 2), np.float64),
    ],
)
def test_single_precision_is_used_where_it_is_exact(inner: Any, dtype: Any) -> None:
    assert RowSpace(spaces.Tuple([inner])).dtype == dtype


def test_whole_numbers_beyond_double_precision_are_refused() -> None:
    space = RowSpace(spaces.Tuple([spaces.Box(0, 2**62, (1,), np.int64)]))
    assert_same(space.element(space.row((np.array([2**53]),))), (np.array([2**53]),))
    with pytest.raises(DoesNotFitError, match="9007199254740992"):
        space.row((np.array([2**53 + 2]),))


def test_what_is_between_two_elements_is_read_as_the_nearest() -> None:
    space = RowSpace(spaces.Tuple([spaces.Discrete(3, start=5), spaces.Text(3, charset="ab")]))
    assert space.element(np.array([99.0, 1.6, 0.9, 7.0, 0.0])) == (7, "bb")
    assert not space.contains(np.array([99.0, 1.6, 0.9, 7.0, 0.0]))


@pytest.mark.parametrize(
    ("element", "told"),
    [
        ({"a": np.int64(1)}, "keys"),
        ({"a": np.int64(1), "b": np.zeros(3, np.float32)}, r"b: expected an array of shape \(2,\)"),
        ({"a": np.int64(1), "b": np.zeros(2, complex)}, "complex"),
        ({"a": 0.5, "b": np.zeros(2, np.float32)}, "a: expected type int64"),
        ((1, 2), "a dict"),
    ],
)
def test_what_is_no_element_is_refused_with_its_place(element: Any, told: str) -> None:
    space = RowSpace(spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Box(0.0, 1.0, (2,))}))
    with pytest.raises(DoesNotFitError, match=told):
        space.row(element)


def test_more_items_than_there_is_room_for_are_refused() -> None:
    space = RowSpace(spaces.Sequence(spaces.Discrete(3)))
    with pytest.raises(DoesNotFitError, match="33 items, and a row has room for 32"):
        space.row(tuple(np.int64(1) for _ in range(33)))


def test_a_space_of_no_known_kind_is_refused() -> None:
    with pytest.raises(CapabilityError, match="OneOf cannot be laid out"):
        RowSpace(spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]))


def test_spaces_of_one_array_stay_as_they_are() -> None:
    image = spaces.Box(0, 255, (4, 4, 3), np.uint8)
    assert as_array_space(image) is image
    assert original_space(as_array_space(EVERYTHING)) is EVERYTHING


class Mirror(gymnasium.Env[Any, Any]):
    """Shows the action that was taken."""

    def __init__(self) -> None:
        parts = {"push": spaces.Box(-1.0, 1.0, (2,)), "gear": spaces.Discrete(3, start=-1)}
        self.observation_space = spaces.Tuple([spaces.Dict(parts), spaces.Discrete(2)])
        self.action_space = spaces.Dict(parts)
        self.taken: list[Any] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return ({"push": np.zeros(2, np.float32), "gear": np.int64(0)}, np.int64(0)), {}

    def step(self, action: Any) -> Any:
        self.taken.append(action)
        return (action, np.int64(1)), 1.0, False, False, {}


def test_an_environment_takes_and_shows_rows() -> None:
    mirror = Mirror()
    env = Rows(mirror)
    assert env.reset(seed=0)[0].tolist() == [0.0, 0.0, 0.0, 0.0]
    seen = env.step(np.float32([-1.0, 0.5, -0.25]))[0]
    assert seen.tolist() == [-1.0, 0.5, -0.25, 1.0]
    assert_same(mirror.taken[0], {"gear": np.int64(-1), "push": np.float32([0.5, -0.25])})
