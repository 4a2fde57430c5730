from typing import Any

import numpy as np
import pytest
from gymnasium.envs.box2d.lunar_lander import LunarLander, heuristic

from pellucid.envs import make_env, resolve_env
from pellucid.envs.lunar_lander_terms import TERM_NAMES, is_lunar_lander


def roll(continuous: bool, seed: int, trained: bool, wind: bool = False) -> tuple[Any, ...]:
    env = make_env(
        resolve_env("LunarLander-v3", kwargs={"continuous": continuous, "enable_wind": wind})
    )
    observation, _ = env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    rewards, terms, actions, ended = [], [], [], False
    while not ended:
        if trained:
            action = heuristic(env.unwrapped, observation)
        elif continuous:
            action = rng.uniform(-1.5, 1.5, 2).astype(np.float32)  # clipped by the environment
        else:
            action = rng.integers(4)
        observation, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        actions.append(action)
        terms.append(list(info["reward_terms"].values()))
        assert tuple(info["reward_terms"]) == TERM_NAMES
        ended = terminated or truncated
    env.close()
    return np.array(rewards), np.array(terms), actions


@pytest.mark.parametrize("continuous", [False, True])
@pytest.mark.parametrize(("trained", "end"), [(False, -100.0), (True, 100.0)])
def test_the_parts_add_up_to_the_reward(continuous: bool, trained: bool, end: float) -> None:
    rewards, terms, _ = roll(continuous, 1, trained, wind=not trained)
    np.testing.assert_allclose(terms.sum(axis=1), rewards, rtol=0, atol=1e-9)
    # the last reward replaces all others
    assert terms[-1].tolist() == [0, 0, 0, 0, 0, 0, end]


def test_fuel_is_charged_for_the_engine_that_fires() -> None:
    _, terms, actions = roll(False, 2, trained=False)
    cost = {0: (0.0, 0.0), 1: (0.0, -0.03), 2: (-0.3, 0.0), 3: (0.0, -0.03)}
    for row, action in zip(terms[:-1], actions[:-1], strict=True):
        assert tuple(row[4:6]) == cost[int(action)]


def test_leg_contact_pays_ten_points_a_leg() -> None:
    _, terms, _ = roll(False, 1, trained=True)
    assert set(np.unique(terms[:, 3])) <= {-20.0, -10.0, 0.0, 10.0, 20.0}
    assert (terms[:, 3] > 0).any()


def test_a_subclass_is_left_alone() -> None:
    class Modified(LunarLander):
        pass

    assert is_lunar_lander(LunarLander())
    assert not is_lunar_lander(Modified())


def test_reward_terms_of_the_user_take_their_place() -> None:
    spec = resolve_env(
        "LunarLander-v3", reward_terms="tests.envs.test_lunar_lander_terms:by_height"
    )
    env = make_env(spec)
    env.reset(seed=0)
    info = env.step(0)[4]
    assert set(info["reward_terms"]) == {"height"}
    env.close()


def by_height(observation: Any, action: Any, next_observation: Any, terminated: bool) -> Any:
    return {"height": float(next_observation[1] - observation[1])}
