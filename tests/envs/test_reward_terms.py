from typing import Any

import pytest

from pellucid.envs import make_env, resolve_env
from pellucid.envs.reward_terms import RewardTermsError, WithRewardTerms
from pellucid.errors import InputError
from tests.rollouts.hostile import Base, SameArray


def by_input(observation: Any, action: Any, next_observation: Any, terminated: bool) -> Any:
    return {"before": float(observation[0]), "after": float(next_observation[0])}


def test_terms_get_the_observation_before_and_after() -> None:
    env = make_env(resolve_env(Base, reward_terms="tests.envs.test_reward_terms:by_input"))
    env.reset(seed=0)
    assert env.step(1)[4]["reward_terms"] == {"before": 0.0, "after": 1.0}
    assert env.step(1)[4]["reward_terms"] == {"before": 1.0, "after": 2.0}


def test_an_observation_that_is_overwritten_in_place_is_kept() -> None:
    env = WithRewardTerms(SameArray(), by_input)
    env.reset(seed=0)
    import numpy as np

    assert env.step(np.zeros(1, np.float32))[4]["reward_terms"] == {"before": 0.0, "after": 1.0}


def test_a_function_that_raises_is_told_apart_from_the_environment() -> None:
    env = WithRewardTerms(Base(), lambda *_: {"a": 1 / 0})
    env.reset(seed=0)
    with pytest.raises(RewardTermsError, match="ZeroDivisionError"):
        env.step(0)


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(InputError, match="reward terms must be module:callable"):
        resolve_env(Base, reward_terms="by_input")
