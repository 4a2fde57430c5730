"""Lookahead and horizon from rollouts, where they are known from the table."""

import math

import numpy as np
import pytest

from pellucid.agents import load_agent
from pellucid.api.collecting import collect
from pellucid.budget import Cost, Meter
from pellucid.envs.small.key_door_trap import TAKE, WALK, KeyDoorTrap
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.tabular.horizon import sampled_horizon

TRAP = "pellucid/KeyDoorTrap-v0"


def taker(observations: np.ndarray) -> np.ndarray:
    """Take the key where it is."""
    return np.where(observations[:, 1] > 0, TAKE, WALK)


def walker(observations: np.ndarray) -> np.ndarray:
    """Never take anything."""
    return np.zeros(len(observations), dtype=np.int64)


def episodes_of(act, env: str = TRAP, n: int = 1):
    return collect(load_agent(act, env=env), env, n_episodes=n, seed=0)


def wide() -> Meter:
    return Meter(Cost(10**9, 10**9))


def test_only_the_critical_step_is_told() -> None:
    found = sampled_horizon(episodes_of(taker), k=1, m=40, n_states=12, seed=0, meter=wide())
    verdicts = {state.step: state.verdict for state in found.states}
    assert verdicts.pop(KeyDoorTrap.critical_step) == "told"
    # elsewhere actions are worth the same; before it random play decides, after it all is known
    assert set(verdicts.values()) == {"unclear"}
    critical = found.states[KeyDoorTrap.critical_step]
    assert (critical.action, critical.rival) == (TAKE, WALK)
    assert critical.gap.value == 20.0
    assert found.enough
    # nothing varies after it: one episode tells
    assert found.horizon.value == 1.0
    assert (found.horizon.n, found.horizon.n_unscored) == (1, 11)


def test_an_agent_that_is_wrong_is_contradicted() -> None:
    found = sampled_horizon(episodes_of(walker), k=1, m=8, n_states=12, seed=0, meter=wide())
    assert found.states[KeyDoorTrap.critical_step].verdict == "contradicted"
    assert not found.enough
    assert math.isnan(found.horizon.value)


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, again = (
        sampled_horizon(episodes_of(taker), k=2, m=8, n_states=3, seed=5, meter=wide())
        for _ in range(2)
    )
    assert first == again
    assert len(first.states) == 3


def test_what_the_budget_leaves_out_is_not_measured() -> None:
    episodes = episodes_of(taker)
    meter = Meter(Cost(10**6, 2000))
    found = sampled_horizon(episodes, k=1, m=20, n_states=12, seed=0, meter=meter)
    assert meter.used.env_steps <= 2000
    verdicts = [state.verdict for state in found.states]
    assert verdicts[0] != "not measured"
    assert verdicts[-1] == "not measured"


def test_a_budget_for_nothing_is_said() -> None:
    with pytest.raises(BudgetError, match="rollouts of one state"):
        sampled_horizon(
            episodes_of(taker), k=1, m=20, n_states=2, seed=0, meter=Meter(Cost(10**6, 800))
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "got 0 and 4"),
        ({"m": 5}, "got 1 and 5"),
        ({"k": 9}, "2 \\*\\* 9 sequences are too many"),
        ({"n_states": 0}, "at least one state"),
    ],
)
def test_bad_arguments_are_refused(options, message) -> None:
    given = {"k": 1, "m": 4, "n_states": 1, "seed": 0, "meter": wide(), **options}
    with pytest.raises(InputError, match=message):
        sampled_horizon(episodes_of(taker), **given)


def test_continuous_actions_are_refused() -> None:
    def push(observations: np.ndarray) -> np.ndarray:
        return np.zeros((len(observations), 1), dtype=np.float32)

    episodes = episodes_of(push, env="Pendulum-v1")
    with pytest.raises(CapabilityError, match="expected discrete actions"):
        sampled_horizon(episodes, k=1, m=4, n_states=1, seed=0, meter=wide())
