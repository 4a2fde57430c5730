"""F24: an agent that raises at step k leaves an episode of k steps with kind `agent`."""

from typing import Any

import numpy as np
import pytest
from tests.rollouts.agents import NO_NAMES, CallAgent, FixedAgent, wide_meter
from tests.rollouts.hostile import Base

from pellucid.envs import resolve_env
from pellucid.rollouts import Episodes, collect


def run(fn: Any, n_episodes: int = 1) -> Episodes:
    return collect(
        CallAgent(fn),
        resolve_env(Base),
        n_episodes=n_episodes,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )


def zeros(observations: Any) -> Any:
    return np.zeros(len(observations), np.int64)


@pytest.mark.parametrize("at", [0, 3])
def test_f24_the_episode_is_kept_up_to_the_failing_step(at: int) -> None:
    def fails(observations: Any) -> Any:
        if (observations[:, 0] == at).any():
            raise ValueError("out of\nideas")
        return zeros(observations)

    episode = run(fails).attempted[0]
    assert len(episode) == at
    assert len(episode.observations) == at + 1
    assert episode.failure is not None
    assert (episode.failure.kind, episode.failure.step) == ("agent", at)
    assert "ValueError" in episode.failure.message
    assert "\n" not in episode.failure.message
    assert not episode.terminated
    assert not episode.truncated


def test_f24_one_row_that_fails_does_not_take_the_others_with_it() -> None:
    reference = collect(
        FixedAgent(0), resolve_env(Base), n_episodes=40, seed=0, meter=wide_meter(), names=NO_NAMES
    )

    def fails(observations: Any) -> Any:
        if ((observations[:, 0] == 2) & (observations[:, 1] == 3)).any():
            raise ValueError("no 3 please")
        return zeros(observations)

    episodes = run(fails, 40)
    failed = [e.index for e in episodes.excluded]
    assert failed == [e.index for e in reference.used if e.observations[0, 1] == 3]
    assert 0 < len(failed) < 40
    for episode in episodes.used:
        expected = reference.attempted[episode.index]
        assert episode.observations.tobytes() == expected.observations.tobytes()
    assert {len(e) for e in episodes.excluded} == {2}
    assert len(episodes.returns) == 40 - len(failed)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda n: np.zeros((n, 2), np.int64), "shape"),
        (lambda n: np.zeros(n, np.float64), "type"),
        (lambda n: np.full(n, 9), "9"),
        (lambda n: [0] * n, "list"),
        (lambda n: None, "NoneType"),
    ],
)
def test_f24_what_is_not_an_action_is_the_agents_failure(answer: Any, words: str) -> None:
    episode = run(lambda observations: answer(len(observations))).attempted[0]
    assert episode.failure is not None
    assert episode.failure.kind == "agent"
    assert words in episode.failure.message
