"""The hand-made run with what its choices rested on, as a run of today has it."""

from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.report.record import EpisodeSteps, RunRecord
from pellucid.report.timeline import shown_episodes
from pellucid.rollouts.episodes import Episode
from tests.report import lunar


def steps_of(episode: Episode) -> EpisodeSteps:
    """Probabilities that favour what was done, and a value that wanders."""
    rng = np.random.default_rng([5, episode.index])
    chances = rng.dirichlet(np.full(4, 2.0), len(episode))
    chances[np.arange(len(episode)), episode.actions] += 0.6
    chances /= chances.sum(axis=1, keepdims=True)
    values = 40 + np.cumsum(rng.normal(0, 3, len(episode)))
    return EpisodeSteps(chances, "probability", values)


def seen_record(*, with_frames: bool = True, n_frames: int = 40, **more: Any) -> RunRecord:
    """The hand-made run with steps and frames of every episode that is shown."""
    record = lunar.lunar_record(with_frames=False, **more)
    shown = tuple(position for position, _ in shown_episodes(record))
    steps = {p: steps_of(record.episodes.used[p]) for p in shown}
    frames = lunar.frames(record.episodes, shown, n=n_frames) if with_frames else {}
    return replace(record, steps=more.get("steps", steps), frames=frames)
