"""Environments are made to show what an agent takes."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack

from pellucid.envs.fitting import ROWS, fitted, foreign_code, resolve_env, stack_between
from pellucid.envs.resolve import make_env
from pellucid.envs.rows import RowSpace
from pellucid.envs.stacking import JoinedFrames
from pellucid.errors import CapabilityError, UnknownNameError


class Counter(gymnasium.Env[Any, Any]):
    """Shows how many steps were taken, as a small image or a vector."""

    def __init__(self, shape: tuple[int, ...] = (4, 4, 2), dtype: str = "uint8") -> None:
        self.observation_space = spaces.Box(0, 255, shape, np.dtype(dtype).type)
        self.action_space = spaces.Discrete(2)
        self.count = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.count = 1
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        self.count += 1
        return self._seen(), 0.0, False, False, {}

    def _seen(self) -> Any:
        space: Any = self.observation_space
        return np.full(space.shape, self.count, space.dtype)


class Parts(Counter):
    """Shows a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = spaces.Dict({"image": self.observation_space})

    def _seen(self) -> Any:
        return {"image": np.full((4, 4, 2), self.count, np.uint8)}


class Choice(Counter):
    """Has a space that cannot be laid out."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)])


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 4, 2), "uint8"), ((2, 4, 4), "uint8"), ((3,), "float32")]
)
def test_frames_are_joined_as_stable_baselines3_joins_them(
    shape: tuple[int, ...], dtype: str
) -> None:
    ours = JoinedFrames(Counter(shape, dtype), 3)
    theirs = VecFrameStack(DummyVecEnv([lambda: Counter(shape, dtype)]), 3)
    assert ours.observation_space.shape == theirs.observation_space.shape
    np.testing.assert_array_equal(ours.reset(seed=0)[0], theirs.reset()[0])
    for _ in range(4):
        expected = theirs.step(np.array([0]))[0][0]
        np.testing.assert_array_equal(ours.step(0)[0], expected)
    np.testing.assert_array_equal(ours.reset(seed=0)[0], theirs.reset()[0])


def test_a_spec_is_fitted_by_a_wrapper_that_it_names() -> None:
    spec = resolve_env(f"{__name__}:Counter")
    wanted = spaces.Box(0, 255, (4, 4, 6), np.uint8)
    found = fitted(spec, wanted)
    assert found.wrappers == ("pellucid.envs.stacking:joined_3",)
    env = make_env(found)
    assert env.observation_space == wanted
    env.reset(seed=0)
    assert env.step(0)[0][0, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_what_fits_or_never_will_is_left_alone() -> None:
    spec = resolve_env(f"{__name__}:Counter")
    for shape in ((4, 4, 2), (5, 5, 2), (4, 4, 2 * 9)):
        assert fitted(spec, spaces.Box(0, 255, shape, np.uint8)) is spec


def test_frames_on_a_new_axis_are_told_from_joined_ones() -> None:
    grey = spaces.Box(0, 255, (4, 4), np.uint8)
    assert stack_between(grey, spaces.Box(0, 255, (4, 4, 4), np.uint8)) == (
        "pellucid.envs.stacking:new_axis_4"
    )
    assert stack_between(grey, spaces.Box(0.0, 1.0, (4, 4, 4), np.float32)) is None


def test_parts_are_laid_out_and_the_spec_says_so() -> None:
    for source in (f"{__name__}:Parts", Parts):
        spec = resolve_env(source)
        assert spec.wrappers == (ROWS,)
        assert resolve_env(spec) == spec
        env = make_env(spec)
        assert isinstance(env.observation_space, RowSpace)
        assert env.reset(seed=0)[0].tolist() == [1.0] * 32


def test_one_array_needs_no_rows() -> None:
    assert resolve_env(f"{__name__}:Counter").wrappers == ()


def test_a_space_that_cannot_be_laid_out_is_named() -> None:
    with pytest.raises(CapabilityError, match="OneOf"):
        resolve_env(f"{__name__}:Choice")


def test_another_mistake_is_still_what_is_told() -> None:
    with pytest.raises(UnknownNameError, match="no module 'nothing_there'"):
        resolve_env("nothing_there:Env")


def test_only_as_many_of_our_wrappers_as_we_add_are_ours() -> None:
    stack, rows = "pellucid.envs.stacking:new_axis_8", ROWS
    assert foreign_code(["my:Env", stack, rows]) == ["my:Env"]
    assert foreign_code([stack] * 12) == [stack] * 12
    assert foreign_code(["pellucid.envs.resolve:make_env"]) == ["pellucid.envs.resolve:make_env"]
