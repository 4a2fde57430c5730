from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.envs.box2d.lunar_lander import LunarLander

from pellucid.envs import Names, make_env, resolve_env, resolve_names
from pellucid.envs.naming import _fits, _numbered, _table, count_actions, count_inputs
from pellucid.errors import InputError
from tests.rollouts.hostile import Base


def names_of(env: Any, file: Path | None = None, **options: Any) -> Names:
    spec = resolve_env(env, **options)
    made = make_env(spec)
    try:
        return resolve_names(spec, made, file)
    finally:
        made.close()


def test_cartpole_has_the_names_of_its_documentation() -> None:
    assert names_of("CartPole-v1") == Names(
        inputs=("cart position", "cart velocity", "pole angle", "pole angular velocity"),
        input_units=("", "", "rad", "rad/s"),
        actions=("push cart left", "push cart right"),
        action_units=("", ""),
        source="table",
    )


@pytest.mark.parametrize(
    "env_id",
    [
        "Acrobot-v1",
        "MountainCar-v0",
        "MountainCarContinuous-v0",
        "Pendulum-v1",
        "LunarLander-v3",
        "LunarLanderContinuous-v3",
        "BipedalWalker-v3",
        "FrozenLake-v1",
        "CliffWalking-v1",
        "Taxi-v4",
    ],
)
def test_gymnasiums_own_environments_are_in_the_table(env_id: str) -> None:
    assert names_of(env_id).source == "table"


def test_continuous_lander_names_its_two_engines() -> None:
    names = names_of("LunarLander-v3", kwargs={"continuous": True})
    assert names.actions == ("main engine throttle", "side engine throttle")


def test_the_landers_first_leg_is_the_right_one() -> None:
    # the documentation only says "each leg"; the simulator puts the first one to the right
    env: Any = LunarLander()
    env.reset(seed=0)
    assert env.legs[0].position.x > env.lander.position.x > env.legs[1].position.x
    env.close()
    assert names_of("LunarLander-v3").inputs[6:] == (
        "right leg on the ground",
        "left leg on the ground",
    )


def test_mujoco_entries_have_the_documented_sizes() -> None:
    sizes = {
        "Ant": (105, 8),
        "HalfCheetah": (17, 6),
        "Hopper": (11, 3),
        "Humanoid": (348, 17),
        "InvertedPendulum": (4, 1),
        "InvertedDoublePendulum": (9, 1),
        "Pusher": (23, 7),
        "Reacher": (10, 2),
        "Swimmer": (8, 2),
        "Walker2d": (17, 6),
    }
    for name, (n_inputs, n_actions) in sizes.items():
        assert _fits(_table()[name], n_inputs, n_actions), name
    assert _numbered(_table()["Ant"])[0] == ("contact force 1", "N or N m")


def test_an_unknown_environment_says_so_by_number() -> None:
    names = names_of(Base)
    assert names.inputs == ("input 0 (unnamed)", "input 1 (unnamed)")
    assert names.actions == ("action 0 (unnamed)", "action 1 (unnamed)")
    assert names.source == "none"


def test_a_wrapper_that_changes_the_inputs_loses_the_names(tmp_path: Path) -> None:
    spec = resolve_env("CartPole-v1")
    stacked = gymnasium.wrappers.FrameStackObservation(make_env(spec), 2)
    names = resolve_names(spec, stacked)
    assert len(names.inputs) == 8
    assert names.source == "none"


def test_under_wrappers_the_units_are_not_claimed() -> None:
    names = names_of("CartPole-v1", wrappers=("gymnasium.wrappers:FlattenObservation",))
    assert names.inputs[0] == "cart position"
    assert set(names.input_units) == {""}


def test_metadata_names_come_before_the_table() -> None:
    names = names_of("pellucid/KeyDoorTrap-v0")
    assert names.source == "environment"
    assert names.inputs == ("place", "key in reach", "key held")


def test_a_file_comes_first_and_its_strings_stay_strings(tmp_path: Path) -> None:
    file = tmp_path / "names.yaml"
    file.write_text(
        "inputs: [no, 1, 'on', 1e3]\nactions: {left: N, right: N}\nreward_unit: coins\n"
    )
    names = names_of("CartPole-v1", file)
    assert names.inputs == ("no", "1", "on", "1e3")
    assert names.action_units == ("N", "N")
    assert (names.reward_unit, names.source) == ("coins", "file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input: [a]", "unknown key 'input'"),
        ("inputs: [a, b]", "expected 4 input names, got 2"),
        ("actions: [a]", "expected 2 action names, got 1"),
        ("inputs: [a, a, b, c]", "same name twice"),
        ("inputs: {a: x, a: y}", "'a' twice"),
        ("inputs: !!python/object/apply:os.system [x]", "tags such as"),
        ("inputs: [&a x, *a, *a, *a]", "aliases are not allowed"),
        ("inputs: 3", "must be a list"),
        ("inputs: [[a], b, c, d]", "must hold names"),
        ("inputs: ['', b, c, d]", "must hold names"),
        ("- a", "expected names under"),
        ("", "is empty"),
        ("{", "not YAML"),
        ("[" * 500, "not YAML"),
    ],
)
def test_f20_bad_names_files_are_refused_in_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "names.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        names_of("CartPole-v1", file)
    assert "\n" not in str(refused.value)


def test_counts_of_every_kind_of_space() -> None:
    spaces = gymnasium.spaces
    assert count_inputs(spaces.Box(0, 1, (2, 3))) == 6
    assert count_inputs(spaces.Box(0, 1, (0,))) == 0
    assert count_inputs(spaces.Discrete(9)) == 1
    assert count_inputs(spaces.MultiDiscrete([2, 3])) == 2
    assert count_actions(spaces.Discrete(5, start=5)) == 5
    assert count_actions(spaces.MultiBinary(4)) == 4
    assert count_actions(spaces.Box(-1, 1, (3,))) == 3
