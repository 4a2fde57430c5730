"""F26: no transition crosses a reset, whichever way a vector environment resets itself."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rollouts.agents import NO_NAMES, TableAgent, wide_meter
from tests.rollouts.hostile import Base, RandomLength

from pellucid.envs import resolve_env
from pellucid.rollouts import collect

pytestmark = pytest.mark.faults

AGENT = TableAgent(2, (0, 1, 1))


def in_a_vector(mode: AutoresetMode, seeds: list[int]) -> list[tuple[Any, Any, Any]]:
    """First episode of each lane, cut out as the mode's documentation says."""
    envs = SyncVectorEnv([RandomLength for _ in seeds], autoreset_mode=mode)
    observations, _ = envs.reset(seed=seeds)
    lanes: list[tuple[list[Any], list[Any], list[Any]]] = [
        ([observation], [], []) for observation in observations.copy()
    ]
    over = np.zeros(len(seeds), dtype=bool)
    while not over.all():
        actions = AGENT.act(observations)
        if mode == AutoresetMode.DISABLED and over.any():
            envs.reset(options={"reset_mask": over.copy()})
        observations, rewards, terminated, truncated, info = envs.step(actions)
        for lane in np.flatnonzero(~over):
            ends = terminated[lane] or truncated[lane]
            final = mode == AutoresetMode.SAME_STEP and ends
            last = info["final_obs"][lane] if final else observations[lane]
            lanes[lane][0].append(np.array(last))
            lanes[lane][1].append(actions[lane])
            lanes[lane][2].append(rewards[lane])
            over[lane] = ends
    envs.close()
    return [(np.array(o), np.array(a), np.array(r)) for o, a, r in lanes]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_f26_every_autoreset_mode_gives_the_episodes_of_collect(mode: AutoresetMode) -> None:
    episodes = collect(
        AGENT, resolve_env(RandomLength), n_episodes=20, seed=4, meter=wide_meter(), names=NO_NAMES
    )
    lanes = in_a_vector(mode, [e.seed for e in episodes.attempted])
    for episode, (observations, actions, rewards) in zip(episodes.attempted, lanes, strict=True):
        assert episode.observations.tobytes() == observations.tobytes()
        assert episode.actions.tolist() == actions.tolist()
        assert episode.rewards.tolist() == rewards.tolist()


class Lengths(Base):
    """Episode lengths that a test chose, by seed."""

    by_seed: dict[int, int]

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        result = super().reset(seed=seed)
        self.length = self.by_seed[int(seed or 0)]
        return result


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=80))
def test_f26_no_transition_crosses_a_reset(lengths: list[int]) -> None:
    def make() -> gymnasium.Env:
        env = Lengths()
        env.by_seed = dict(enumerate(lengths))
        return env

    episodes = collect(
        AGENT,
        resolve_env(make_with(make)),
        n_episodes=len(lengths),
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
        episode_seeds=list(range(len(lengths))),
    )
    assert [len(e) for e in episodes.attempted] == lengths
    for episode in episodes.attempted:
        # the first input counts the steps since reset: a crossing would jump back to 0
        assert episode.observations[:, 0].tolist() == list(range(len(episode) + 1))
        changes = np.diff(episode.observations[:, 1].astype(np.float64))
        assert changes.tolist() == episode.actions.tolist() == episode.rewards.tolist()


def make_with(make: Any) -> Any:
    return lambda: make()
