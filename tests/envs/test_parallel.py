"""Environments of teams, by name."""

from typing import Any

import numpy as np
import pytest

from pellucid.envs.parallel import make_parallel, names_team_env
from pellucid.envs.team_names import names_of
from pellucid.envs.turns import Turns
from pellucid.errors import InputError, UnknownNameError

SPREAD = "mpe2:simple_spread_v3"


def test_which_names_are_those_of_teams() -> None:
    assert names_team_env(SPREAD)
    assert names_team_env("pettingzoo:sisl.multiwalker_v9")
    assert not names_team_env("CartPole-v1")
    assert not names_team_env(None)


def test_an_environment_of_mpe_is_made_with_its_names() -> None:
    env = make_parallel(SPREAD)
    names = names_of(SPREAD, "agent_0", env)
    assert names is not None
    assert len(names["inputs"]) == 18
    observations, _ = env.reset(seed=1)
    world = env.unwrapped.world
    seen: Any = dict(zip(names["inputs"], observations["agent_0"], strict=True))
    me, other, mark = world.agents[0], world.agents[2], world.landmarks[1]
    assert seen["own position, upwards"] == pytest.approx(me.state.p_pos[1], abs=1e-6)
    away = mark.state.p_pos - me.state.p_pos
    assert seen["way to landmark 2, sideways"] == pytest.approx(away[0], abs=1e-6)
    away = other.state.p_pos - me.state.p_pos
    assert seen["way to other 2, upwards"] == pytest.approx(away[1], abs=1e-6)
    for number, (axis, sign) in enumerate([(0, -1), (0, 1), (1, -1), (1, 1)], start=1):
        env.reset(seed=1)
        env.step({"agent_0": number, "agent_1": 0, "agent_2": 0})
        assert np.sign(me.state.p_vel[axis]) == sign, names["actions"][number]
    assert names_of("mpe2:simple_v3", "agent_0", env) is None


def test_a_callable_of_your_own_may_make_one() -> None:
    assert make_parallel("tests.envs.parallel_toy:make").possible_agents[0] == "early"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("mpe2:simple_spred_v3", UnknownNameError, "has no environment 'simple_spred_v3'"),
        ("mpe2:os", UnknownNameError, "does not name an environment"),
        ("mpe2:../x_v1", UnknownNameError, "does not name an environment"),
        ("pettingzoo:utils.env_v1", UnknownNameError, "has no environment"),
        ("tests.envs.parallel_toy:takes_turns", InputError, "without possible_agents"),
        ("tests.envs.parallel_toy:missing", InputError, "missing"),
    ],
)
def test_what_is_no_environment_of_a_team_is_refused(name: str, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make_parallel(name)


def test_a_game_with_turns_is_put_into_the_parallel_form() -> None:
    env = make_parallel("pettingzoo:classic.rps_v2")  # has both forms
    assert not isinstance(env, Turns)
    env = make_parallel("tests.envs.turns_toy:make")
    assert isinstance(env, Turns)
    seen, _ = env.reset(seed=0)
    assert (env.acting, list(seen)) == (["early"], ["early"])
    seen, rewards, terminated, _, _ = env.step({"early": 3})
    assert (env.acting, list(seen)) == (["steady"], ["steady"])
    assert rewards == {"early": 3.0, "steady": pytest.approx(0.3), "late": pytest.approx(0.3)}
    assert not any(terminated.values())
    for _ in range(3):
        seen, _, terminated, _, _ = env.step({env.acting[0]: 3})
    # early is out, and gets no turn in which nothing may be done
    assert terminated["early"]
    assert env.agents == ["steady", "late"]
    assert list(seen) == ["early", "steady"]


def test_a_module_without_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    monkeypatch.setattr("importlib.import_module", lambda path: types.ModuleType(path))
    with pytest.raises(UnknownNameError, match="has no environment"):
        make_parallel("pettingzoo:classic.chess_v6")
