"""F25: an environment that breaks its own declaration is data with a kind, not a crash."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from tests.rollouts.agents import NO_NAMES, FixedAgent, wide_meter
from tests.rollouts.hostile import Base, Endless

from pellucid.envs import resolve_env
from pellucid.rollouts import Episode, Episodes, collect


def run(env: Any, n_episodes: int = 1, **options: Any) -> Episodes:
    spec = resolve_env(env, **options)
    return collect(
        FixedAgent(1), spec, n_episodes=n_episodes, seed=0, meter=wide_meter(), names=NO_NAMES
    )


def returning(what: str) -> Episode:
    return run("tests.rollouts.hostile:Returns", kwargs={"what": what}).attempted[0]


def test_f25_step_raises() -> None:
    episode = run("tests.rollouts.hostile:RaisesAt", kwargs={"at": 3}).attempted[0]
    assert episode.failure is not None
    assert (episode.failure.kind, episode.failure.step) == ("environment", 3)
    assert episode.failure.message == "step raised RuntimeError: two lines"
    assert (len(episode), len(episode.observations)) == (3, 4)


def test_f25_reset_raises() -> None:
    episodes = run("tests.rollouts.hostile:RaisesAt", 2, kwargs={"at": -1})
    failure = episodes.attempted[0].failure
    assert failure is not None
    assert (failure.kind, failure.step) == ("environment", -1)
    assert episodes.attempted[0].observations.shape == (0, 2)
    assert len(episodes) == 0
    assert len(episodes.excluded) == 2


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nan", "NaN"),
        ("shape", "got an array of shape (3,) and type float32"),
        ("dtype", "got an array of shape (2,) and type float64"),
        ("list", "got list"),
        ("nan reward", "the reward is nan"),
        ("vector reward", "one number as the reward"),
        ("text reward", "one number as the reward"),
        ("odd flag", "terminated to be true or false"),
        ("four", "expected 5, got 4"),
    ],
)
def test_f25_what_breaks_the_declaration_ends_the_episode_before_it(what: str, words: str) -> None:
    episode = returning(what)
    assert episode.failure is not None
    assert (episode.failure.kind, episode.failure.step) == ("environment", 3)
    assert words in episode.failure.message
    assert len(episode) == 3
    assert np.isfinite(episode.observations).all()
    assert np.isfinite(episode.rewards).all()


def test_f25_reward_terms_that_are_no_numbers_are_the_rewards_failure() -> None:
    failure = returning("terms").failure
    assert failure is not None
    assert (failure.kind, failure.step) == ("reward", 3)


def test_f25_an_observation_out_of_bounds_is_counted_not_refused() -> None:
    episodes = run("tests.rollouts.hostile:Returns", 3, kwargs={"what": "outside"})
    assert len(episodes) == 3
    (warning,) = episodes.warnings
    assert warning == (
        "3 observations in 3 episodes left the range that the environment declares, "
        "first in episode 0 at step 4"
    )


def test_f25_a_category_that_does_not_exist_ends_the_episode() -> None:
    class Outside(Base):
        def __init__(self) -> None:
            super().__init__()
            self.observation_space = gymnasium.spaces.Discrete(3)

        def observe(self) -> Any:
            return self.at

    episode = run(lambda: Outside()).attempted[0]
    assert episode.failure is not None
    assert episode.failure.step == 2
    assert episode.observations.tolist() == [0, 1, 2]


def test_f25_a_reward_without_dimension_is_a_number() -> None:
    episode = returning("array reward")
    assert episode.failure is None
    assert episode.rewards[3] == 1.5


def test_f25_never_terminating_is_truncated_at_the_limit() -> None:
    episode = run(Endless, max_steps=17).attempted[0]
    assert (len(episode), episode.terminated, episode.truncated) == (17, False, True)


def test_f25_a_wrapper_that_swallows_the_limit_is_cut_off() -> None:
    episode = run(
        "pellucid/Chain-v0", wrappers=("tests.rollouts.hostile:SwallowsLimit",)
    ).attempted[0]
    assert episode.terminated  # it goes forward
    spec = resolve_env("pellucid/Chain-v0", wrappers=("tests.rollouts.hostile:SwallowsLimit",))
    stays = collect(
        FixedAgent(0), spec, n_episodes=1, seed=0, meter=wide_meter(), names=NO_NAMES
    ).attempted[0]
    assert (len(stays), stays.terminated, stays.truncated) == (20, False, True)


def test_f25_termination_at_the_first_step_is_an_episode() -> None:
    episode = run("tests.rollouts.hostile:Base", kwargs={"length": 1}).attempted[0]
    assert (len(episode), episode.terminated, episode.failure) == (1, True, None)


def test_f25_both_flags_are_stored_as_given() -> None:
    episode = returning("both")
    assert (len(episode), episode.terminated, episode.truncated) == (4, True, True)
