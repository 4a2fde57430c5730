"""What is changed between environment and agent is done for every run, and said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecFrameStack

import pellucid as pl
from pellucid.agents import save_agent
from pellucid.api.locating import locate
from pellucid.envs.fitting import ROWS
from pellucid.rollouts import load_episodes, save_episodes
from tests.agents import parts

CATCH = "pellucid/Catch-v0"
PIXELS = Path(__file__).parent.parent / "data" / "pixels" / "catch.zip"


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained agent that was made for three frames at once."""
    pl.resolve_env(CATCH)
    env = VecFrameStack(make_vec_env(CATCH), 3)
    small = {"features_extractor_kwargs": {"features_dim": 8}}
    path = tmp_path_factory.mktemp("stacked") / "stacked.zip"
    PPO("CnnPolicy", env, policy_kwargs=small, n_steps=8, batch_size=8, seed=0).save(path)
    return path


def test_stacked_frames_are_joined_in_every_episode_and_said(stacked: Path) -> None:
    located = locate(str(stacked), CATCH)
    assert located.spec.wrappers == ("pellucid.envs.stacking:joined_3",)
    frames, turned = located.notes
    assert frames.startswith("The agent was trained on 3 frames at once, and the environment shows")
    assert "channels first" in turned
    episodes = pl.collect(located.agent, CATCH, n_episodes=1, seed=0)
    seen = episodes.used[0].observations
    assert seen.shape[1:] == (36, 36, 9)
    assert not seen[0, :, :, :6].any()
    np.testing.assert_array_equal(seen[2, :, :, :6], seen[1, :, :, 3:])


def test_a_stored_run_needs_no_code_for_our_own_wrappers(stacked: Path, tmp_path: Path) -> None:
    agent = pl.load_agent(str(stacked), env=CATCH)
    save_agent(agent, tmp_path / "agent")
    episodes = pl.collect(agent, CATCH, n_episodes=1, seed=0)
    save_episodes(episodes, tmp_path)
    spec: Any = load_episodes(tmp_path).spec
    again = locate(str(tmp_path / "agent"), spec)
    assert again.spec.wrappers == spec.wrappers
    assert len(again.notes) == 1  # the channels; the frames are part of the environment now


def test_turned_channels_are_said() -> None:
    located = locate(str(PIXELS), CATCH)
    (note,) = located.notes
    assert note.startswith("The agent's network takes channels first")
    assert located.spec.wrappers == ()


def test_parts_are_said() -> None:
    env = f"{parts.__name__}:crossing_dict"
    located = locate(f"{parts.__name__}:drive_dict", env)
    assert located.spec.wrappers == (ROWS,)
    assert located.notes[0].startswith("An observation has 4 parts (light, picture, speed, word)")
    assert located.notes[1].startswith("An action has 2 parts (lever, push)")
