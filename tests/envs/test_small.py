from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from pellucid.envs import make_env, resolve_env
from pellucid.envs.small import Catch, Chain, Identity, KeyDoorTrap, NoisyWalk
from pellucid.envs.small.catch import BACKGROUND, BALL, CELL, PADDLE
from pellucid.rollouts import collect
from tests.rollouts.agents import NO_NAMES, CallAgent, FixedAgent, wide_meter


@pytest.mark.parametrize("make", [Catch, Chain, Identity, KeyDoorTrap, NoisyWalk])
@pytest.mark.filterwarnings("ignore:.*")
def test_they_pass_gymnasiums_own_checker(make: type) -> None:
    check_env(make(), skip_render_check=True)


def test_identity_pays_for_the_signal() -> None:
    agent = CallAgent(lambda obs: obs.argmax(axis=1), n_actions=4)
    episodes = collect(
        agent,
        resolve_env("pellucid/Identity-v0"),
        n_episodes=3,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )
    assert episodes.returns.tolist() == [10.0, 10.0, 10.0]


def test_only_the_critical_step_matters() -> None:
    def total(take_at: set[int]) -> float:
        env = make_env(resolve_env("pellucid/KeyDoorTrap-v0"))
        env.reset(seed=0)
        return sum(float(env.step(int(t in take_at))[1]) for t in range(KeyDoorTrap.length))

    assert total({KeyDoorTrap.critical_step}) == 10.0
    assert total(set(range(KeyDoorTrap.length))) == 10.0
    assert total(set(range(KeyDoorTrap.length)) - {KeyDoorTrap.critical_step}) == -10.0
    assert total(set()) == -10.0


def test_noisy_walk_reports_parts_that_add_up() -> None:
    episodes = collect(
        FixedAgent(2, 3),
        resolve_env("pellucid/NoisyWalk-v0"),
        n_episodes=2,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )
    for episode in episodes.used:
        np.testing.assert_allclose(sum(episode.terms.values()), episode.rewards, atol=1e-12)
        assert len(episode) < 20  # the right end is ten moves away


def test_catch_pays_for_balls_that_are_caught_and_every_ball_can_be() -> None:
    def follow(images: Any) -> Any:
        ball = (images[:, 1:-3] == BALL).all(axis=3).any(axis=1).argmax(axis=1) // CELL
        paddle = (images[:, -1] == PADDLE).all(axis=2)
        middle = np.array([np.flatnonzero(row).mean() for row in paddle]) // CELL
        return (1 + np.sign(ball - middle)).astype(np.int64)

    def total(policy: Any) -> list[float]:
        env = resolve_env("pellucid/Catch-v0")
        agent = CallAgent(policy, n_actions=3)
        episodes = collect(agent, env, n_episodes=5, seed=0, meter=wide_meter(), names=NO_NAMES)
        assert [len(e) for e in episodes.used] == [40] * 5
        return list(episodes.returns)

    assert total(follow) == [8.0] * 5
    # the paddle that always goes left catches what falls at the left end alone
    assert max(total(lambda images: np.zeros(len(images), np.int64))) < 8.0


def test_the_cloud_of_catch_changes_no_reward() -> None:
    env = make_env(resolve_env("pellucid/Catch-v0"))
    first, _ = env.reset(seed=0)
    assert first.dtype == np.uint8
    assert first.shape == (36, 36, 3)
    assert (first[:3] != BACKGROUND).any()  # the cloud is in the top row, alone
    assert not (first[:3] == BALL).all(axis=2).any()


def test_catch_draws_what_is_seen() -> None:
    env = make_env(resolve_env("pellucid/Catch-v0"), render_mode="rgb_array")
    image, _ = env.reset(seed=0)
    drawn: Any = env.render()
    np.testing.assert_array_equal(drawn[::8, ::8], image)
