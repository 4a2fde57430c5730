"""Frames: pictures of chosen steps, made by running a stored episode again."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from pellucid.budget import Meter
from pellucid.envs.resolve import make_env
from pellucid.envs.spec import EnvSpec
from pellucid.errors import BudgetError, PellucidError, TimeLimitError
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.rollouts.lockstep import close, one_line
from pellucid.rollouts.snapshots import same_bits


class RenderedEpisode(NamedTuple):
    """Frames of one episode.

    Args:
        steps: Step of each frame; a frame shows the state before that step.
        images: RGB, each of shape (height, width, 3).
    """

    steps: tuple[int, ...]
    images: tuple[UInt8[np.ndarray, "height width 3"], ...]


class Frames(dict[int, RenderedEpisode]):
    """Frames by position in `episodes.used`.

    Args:
        frames: What could be drawn.
        reason: Why some or all are missing, one sentence; empty if none is.
    """

    def __init__(self, frames: Mapping[int, RenderedEpisode], reason: str = "") -> None:
        super().__init__(frames)
        self.reason = reason


def render_frames(
    episodes: Episodes,
    positions: Sequence[int],
    *,
    meter: Meter,
    steps_per_episode: int = 8,
    steps: Mapping[int, Sequence[int]] | None = None,
) -> Frames:
    """Return frames of some episodes, drawn while they are run again in fresh environments.

    Each frame is taken only if the observation at its step equals the stored one, so that it shows
    the state described.

    Args:
        episodes: Episodes with the spec of their environment.
        positions: Positions in `episodes.used`.
        meter: Pays one environment step per step that is run again.
        steps_per_episode: Frames per episode, first and last step included, evenly spaced.
        steps: Steps to draw, by position, in place of evenly spaced ones.
    """
    if episodes.spec is None:
        return Frames({}, "Frames need the environment, which was not stored.")
    found: dict[int, RenderedEpisode] = {}
    for position in positions:
        episode = episodes[position]
        wanted = (steps or {}).get(position, spaced_steps(len(episode), steps_per_episode))
        wanted = sorted({int(s) for s in wanted if 0 <= s <= len(episode)})
        try:
            if wanted:
                meter.check_time()
                # before the work, and the whole of it: half an episode has half its frames
                meter.charge(env_steps=wanted[-1])
                found[position] = _render_episode(episodes.spec, episode, wanted)
        except TimeLimitError:
            return Frames(found, "The time limit left out some frames.")
        except BudgetError:
            return Frames(found, "The budget of environment steps left out some frames.")
        except (_NoFramesError, PellucidError) as error:
            return Frames(found, str(error))
    return Frames(found)


def spaced_steps(n_steps: int, count: int) -> list[int]:
    """Return up to `count` evenly spaced steps from 0 to the last one, without repeats.

    Example:
        >>> spaced_steps(101, 3)
        [0, 50, 100]
    """
    if n_steps == 0 or count < 1:
        return []
    return sorted({round(x) for x in np.linspace(0, n_steps - 1, count)})


class _NoFramesError(Exception):
    pass


def _render_episode(spec: EnvSpec, episode: Episode, wanted: Sequence[int]) -> RenderedEpisode:
    with _without_display():
        env = _make_rendering(spec)
        try:
            return _drawn(env, episode, wanted)
        finally:
            close(env)


def _make_rendering(spec: EnvSpec) -> Any:
    try:
        env = make_env(spec, render_mode="rgb_array")
    except PellucidError as error:
        raise _NoFramesError(f"The environment does not draw frames: {error}.") from error
    if env.render_mode != "rgb_array":
        close(env)
        raise _NoFramesError("The environment does not draw frames.")
    return env


def _drawn(env: Any, episode: Episode, wanted: Sequence[int]) -> RenderedEpisode:
    steps, images = [], []
    try:
        observation = env.reset(seed=episode.seed)[0]
        for step in range(wanted[-1] + 1):
            if step:
                observation = env.step(episode.actions[step - 1].copy())[0]
            # drawn at every step: some environments move smoke and sparks only while they draw
            image = env.render()
            if step in wanted:
                if not same_bits(observation, episode.observations[step]):
                    raise _NoFramesError(
                        f"Episode {episode.index} did not repeat itself while it was drawn."
                    )
                steps.append(step)
                images.append(_checked_image(image))
    except _NoFramesError:
        raise
    except Exception as error:  # drawing may fail in any way; it becomes a sentence
        raise _NoFramesError(f"Drawing a frame raised {one_line(error)}.") from error
    return RenderedEpisode(tuple(steps), tuple(images))


def _checked_image(image: Any) -> UInt8[np.ndarray, "height width 3"]:
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise _NoFramesError(
            f"A frame must be an RGB image of bytes, got shape {array.shape} and {array.dtype}."
        )
    return array.copy()


@contextmanager
def _without_display() -> Iterator[None]:
    # pygame opens a window, or fails without a screen, unless it is told to use none
    name = "SDL_VIDEODRIVER"
    before = os.environ.get(name)
    os.environ[name] = "dummy"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
