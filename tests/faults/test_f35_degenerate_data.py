"""F35: data sets at the edge: empty, one step, constant, one action, very long, duplicated."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from tests.faults.long_logs import BYTES_PER_STEP
from tests.rollouts.agents import NO_NAMES, FixedAgent, wide_meter
from tests.rollouts.hostile import Base

from pellucid.envs import resolve_env
from pellucid.rollouts import (
    Branch,
    Episodes,
    branching_cost,
    collect,
    load_episodes,
    run_branches,
    save_episodes,
)


def run(env: Any, n_episodes: int = 2, agent: Any = None, **options: Any) -> Episodes:
    return collect(
        agent or FixedAgent(0),
        resolve_env(env, kwargs=options.pop("kwargs", {})),
        n_episodes=n_episodes,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
        **options,
    )


def test_f35_an_empty_set(tmp_path: Path) -> None:
    episodes = run(Base, 0)
    assert len(episodes.returns) == 0
    assert episodes.visited_steps.shape == (0, 2)
    assert run_branches(FixedAgent(0), episodes, [], meter=wide_meter()) == ()
    assert branching_cost(episodes, []).env_steps == 0
    save_episodes(episodes, tmp_path)
    assert load_episodes(tmp_path) == episodes


def test_f35_one_episode_of_one_step() -> None:
    episodes = run("tests.rollouts.hostile:Base", 1, kwargs={"length": 1})
    assert episodes.visited.shape == (1, 2)
    futures = run_branches(
        FixedAgent(0), episodes, [Branch(0, 0, np.array([1]), None)], meter=wide_meter()
    )
    assert futures[0].rewards.tolist() == [1.0]
    assert futures[0].terminated


def test_f35_all_rewards_equal_and_a_constant_input() -> None:
    episodes = run("pellucid/Chain-v0", agent=FixedAgent(0))
    assert set(episodes.visited.tolist()) == {0}
    assert episodes.returns.tolist() == [0.0, 0.0]


def test_f35_one_action_only() -> None:
    class OneAction(Base):
        def __init__(self) -> None:
            super().__init__(n_actions=1)

    episodes = run(lambda: OneAction(), agent=FixedAgent(0, n_actions=1))
    assert set(np.concatenate([e.actions for e in episodes.used]).tolist()) == {0}
    futures = run_branches(
        FixedAgent(0, n_actions=1),
        episodes,
        [Branch(0, 3, np.array([0]), 0)],
        meter=wide_meter(),
    )
    assert len(futures[0]) == 9


def test_f35_duplicated_episodes_branch_alike() -> None:
    episodes = run(Base, 2, episode_seeds=[5, 5])
    branches = [Branch(i, 2, np.array([1]), None) for i in (0, 1)]
    first, second = run_branches(FixedAgent(0), episodes, branches, meter=wide_meter())
    assert first.rewards.tolist() == second.rewards.tolist()


class Long(gymnasium.Env):
    """A million steps of eight inputs."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (8,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.row = np.zeros(8, np.float32)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return self.row, {}

    def step(self, action: Any) -> Any:
        return self.row, 1.0, False, False, {}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_f35_an_episode_of_a_million_steps_has_a_memory_bound() -> None:
    n_steps = 1_000_000
    spec = resolve_env(lambda: Long(), max_steps=n_steps)
    before = peak_bytes()
    episodes = collect(
        FixedAgent(0), spec, n_episodes=1, seed=0, meter=wide_meter(), names=NO_NAMES
    )
    values = n_steps * (8 * 4 + 8 + 8)
    assert len(episodes[0]) == n_steps
    assert peak_bytes() - before < 5 * values


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_f35_explaining_a_log_of_a_million_steps_has_a_memory_bound(tmp_path: Path) -> None:
    """The bound that docs/memory.md states: ten times the recorded values."""
    n_steps, methods = 1_000_000, "shapley,integrated-gradients,highlights"
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.long_logs", str(tmp_path), str(n_steps), methods],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    short, long = told["peaks"]
    assert told["steps"] == n_steps
    assert told["badges"]["integrated-gradients"] == "supported"
    assert long - short < 10 * BYTES_PER_STEP * n_steps
    assert told["page"] < 5_000_000


def peak_bytes() -> int:
    # not tracemalloc, which makes a million steps take minutes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
