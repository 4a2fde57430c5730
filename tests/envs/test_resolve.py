import gymnasium
import numpy as np
import pytest

from pellucid.envs import EnvSpec, make_env, resolve_env, step_limit
from pellucid.envs.resolve import layers, load_callable, own_step_limit
from pellucid.errors import CapabilityError, EnvError, InputError, UnknownNameError
from tests.rollouts.hostile import Base


def test_an_id_keeps_its_own_limit() -> None:
    assert resolve_env("CartPole-v1") == EnvSpec("CartPole-v1", max_steps=500)


def test_an_environment_without_a_limit_gets_one() -> None:
    spec = resolve_env("tests.rollouts.hostile:Endless", max_steps=7)
    env = make_env(spec)
    env.reset(seed=0)
    flags = [env.step(0)[3] for _ in range(7)]
    assert flags == [False] * 6 + [True]


def test_an_unwrapped_environment_is_not_believed_to_have_its_old_limit() -> None:
    spec = resolve_env(lambda: gymnasium.make("CartPole-v1").unwrapped, max_steps=9)
    env = make_env(spec)
    assert env.spec is not None  # it still claims 500
    assert own_step_limit(env) == step_limit(env) == 9


def test_a_limit_that_contradicts_the_own_one_is_refused_with_the_way_to_set_it() -> None:
    with pytest.raises(InputError, match="its own limit of 500") as refused:
        resolve_env("CartPole-v1", max_steps=9)
    assert "max_episode_steps" in str(refused.value.hint)
    assert resolve_env("CartPole-v1", kwargs={"max_episode_steps": 9}).max_steps == 9


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("LunarLander-v2", "LunarLander-v3"),
        ("LunarLander-v9", "LunarLander-v3"),
        ("LunarLandr-v3", "LunarLander-v3"),
        ("CartPole", "CartPole-v"),
        ("pellucid/Chian-v0", "pellucid/Chain-v0"),
    ],
)
def test_a_wrong_id_names_the_nearest_one(wrong: str, near: str) -> None:
    with pytest.raises(UnknownNameError) as refused:
        resolve_env(wrong)
    assert near in str(refused.value.hint)


def test_a_missing_package_is_named_with_what_to_install() -> None:
    def needs_it() -> gymnasium.Env:
        raise gymnasium.error.DependencyNotInstalled(
            'X is not installed, run `pip install "gymnasium[mujoco]"`'
        )

    with pytest.raises(CapabilityError, match="not installed") as refused:
        resolve_env(needs_it)
    assert refused.value.hint == 'pip install "gymnasium[mujoco]"'


def test_tuple_spaces_are_refused_with_the_way_out() -> None:
    with pytest.raises(CapabilityError, match="got Tuple") as refused:
        resolve_env("Blackjack-v1")
    assert "FlattenObservation" in str(refused.value.hint)


@pytest.mark.parametrize(
    "path",
    ["os:system", "subprocess:Popen", "pandas:read_pickle", "numpy:load", "torch:load"],
)
def test_a_stored_id_cannot_call_what_is_not_an_environment(path: str) -> None:
    with pytest.raises(InputError):
        make_env(EnvSpec(path, kwargs={"command": "true"}))
    with pytest.raises(InputError):
        load_callable(path, "wrapper")


def test_what_is_not_an_environment_is_refused() -> None:
    with pytest.raises(InputError, match=r"must make a gymnasium.Env, got dict without reset"):
        resolve_env(dict)
    with pytest.raises(InputError, match="got int"):
        resolve_env(5)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="no module 'nowhere'"):
        resolve_env("nowhere:Env")
    with pytest.raises(UnknownNameError) as refused:
        resolve_env("tests.rollouts.hostile:Basse")
    assert "'Base'" in str(refused.value.hint)


def test_arguments_that_do_not_fit_and_constructors_that_raise() -> None:
    with pytest.raises(InputError, match="does not accept these arguments"):
        resolve_env("tests.rollouts.hostile:Base", kwargs={"colour": 1})

    def broken() -> gymnasium.Env:
        raise RuntimeError("no licence")

    with pytest.raises(EnvError, match="RuntimeError: no licence"):
        resolve_env(broken)


def test_an_instance_serves_as_a_description() -> None:
    made = gymnasium.make("CartPole-v1", max_episode_steps=33, sutton_barto_reward=True)
    spec = resolve_env(made)
    assert spec.max_steps == 33
    assert spec.kwargs["sutton_barto_reward"] is True
    with pytest.raises(InputError, match="without wrappers"):
        resolve_env(gymnasium.wrappers.FlattenObservation(made))
    with pytest.raises(InputError, match="without wrappers"):
        resolve_env(Base())


def test_wrappers_are_applied_innermost_first() -> None:
    spec = resolve_env(
        "CartPole-v1",
        wrappers=("gymnasium.wrappers:FlattenObservation", "tests.rollouts.hostile:SwallowsLimit"),
    )
    kinds = [type(layer).__name__ for layer in layers(make_env(spec))]
    assert kinds[:2] == ["SwallowsLimit", "FlattenObservation"]


def test_a_class_is_stored_by_name_and_a_lambda_as_factory() -> None:
    assert resolve_env(Base).factory is None
    assert resolve_env(Base).id == "tests.rollouts.hostile:Base"
    assert resolve_env(lambda: Base()).factory is not None


def test_render_mode_is_passed_on() -> None:
    env = make_env(resolve_env("CartPole-v1"), render_mode="rgb_array")
    env.reset(seed=0)
    assert np.asarray(env.render()).shape[2] == 3
    env.close()
