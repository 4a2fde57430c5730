import os
from typing import Any

import numpy as np
import pytest

from pellucid.budget import Cost, Meter
from pellucid.envs import resolve_env
from pellucid.rollouts import Episodes, collect, render_frames
from pellucid.rollouts.frames import spaced_steps
from tests.rollouts.agents import NO_NAMES, FixedAgent, LanderAgent, TableAgent, wide_meter
from tests.rollouts.hostile import Base


def run(agent: Any, env: Any, n_episodes: int = 2) -> Episodes:
    return collect(
        agent,
        resolve_env(env),
        n_episodes=n_episodes,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )


def test_frames_show_the_chosen_steps_and_cost_what_is_run_again() -> None:
    episodes = run(TableAgent(), "CartPole-v1")
    meter = wide_meter()
    before = os.environ.get("SDL_VIDEODRIVER")
    frames = render_frames(episodes, [1], meter=meter, steps_per_episode=3)
    last = len(episodes[1]) - 1
    steps, images = frames[1]
    assert steps == (0, round(last / 2), last)
    assert {image.shape for image in images} == {(400, 600, 3)}
    assert images[0].dtype == np.uint8
    assert len({image.tobytes() for image in images}) == 3
    assert meter.used == Cost(0, last)
    assert frames.reason == ""
    assert os.environ.get("SDL_VIDEODRIVER") == before


def test_the_landers_smoke_does_not_change_its_flight() -> None:
    episodes = run(LanderAgent(), "LunarLander-v3", 1)
    frames = render_frames(episodes, [0], meter=wide_meter(), steps={0: [3, 30]})
    assert frames[0].steps == (3, 30)
    assert frames.reason == ""


def test_what_does_not_draw_says_so() -> None:
    frames = render_frames(run(FixedAgent(0), Base), [0, 1], meter=wide_meter())
    assert dict(frames) == {}
    assert frames.reason.startswith("The environment does not draw frames")


def test_logs_have_no_frames() -> None:
    stored = run(FixedAgent(0), Base)
    logs = Episodes(stored.attempted, None, NO_NAMES, -1, "greedy")
    frames = render_frames(logs, [0], meter=wide_meter())
    assert dict(frames) == {}
    assert "environment" in frames.reason


def test_a_budget_leaves_whole_episodes_out() -> None:
    episodes = run(TableAgent(), "CartPole-v1")
    meter = Meter(Cost(0, len(episodes[0])))
    frames = render_frames(episodes, [0, 1], meter=meter)
    assert list(frames) == [0]
    assert "budget" in frames.reason


def test_a_frame_of_another_state_is_not_shown() -> None:
    episodes = run(TableAgent(), "CartPole-v1")
    episodes[0].observations[4] += 1
    frames = render_frames(episodes, [0], meter=wide_meter(), steps={0: [4]})
    assert dict(frames) == {}
    assert "did not repeat itself" in frames.reason


class Drawing(Base):
    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, render_mode: Any = None, picture: Any = None) -> None:
        super().__init__()
        self.render_mode = render_mode
        self.picture = picture

    def render(self) -> Any:
        if self.picture is None:
            raise RuntimeError("no screen")
        return np.zeros(self.picture, np.uint8)


@pytest.mark.parametrize(
    ("picture", "words"), [(None, "RuntimeError: no screen"), ([4, 4], "RGB image")]
)
def test_drawing_that_fails_is_a_sentence(picture: Any, words: str) -> None:
    spec = resolve_env(Drawing, kwargs={"picture": picture})
    episodes = collect(
        FixedAgent(0), spec, n_episodes=1, seed=0, meter=wide_meter(), names=NO_NAMES
    )
    frames = render_frames(episodes, [0], meter=wide_meter())
    assert dict(frames) == {}
    assert words in frames.reason


def test_spaced_steps() -> None:
    assert spaced_steps(101, 3) == [0, 50, 100]
    assert spaced_steps(2, 8) == [0, 1]
    assert spaced_steps(1, 8) == [0]
    assert spaced_steps(0, 8) == []
    assert spaced_steps(10, 1) == [0]
