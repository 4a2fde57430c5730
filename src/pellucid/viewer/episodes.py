"""Stored episodes of an agent, some steps on each page, as they were recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.explanation import show
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.rollouts.storage import ARRAYS_FILE, INDEX_FILE, load_episodes
from pellucid.viewer.reading import Place
from pellucid.viewer.rendering import pages_of

FOLDER = "episodes"
FILES = (f"{FOLDER}/{INDEX_FILE}", f"{FOLDER}/{ARRAYS_FILE}")
STEPS_PER_PAGE = 100
MOST_INPUTS = 12
"""Inputs shown per step; images and long vectors would fill the page with digits."""


@dataclass(frozen=True)
class StepsPage:
    """Some steps of one episode.

    Args:
        episode: The episode.
        steps: The steps shown, from 0.
    """

    episode: Episode
    steps: range


def read_episodes(place: Place) -> Episodes:
    """Read the stored episodes of a run.

    Raises:
        DataError: They are missing, damaged or behind a link.
    """
    place.check(FOLDER, *FILES)
    return load_episodes(place.folder / FOLDER)


def steps_pages(episodes: Episodes) -> list[StepsPage]:
    """Return every page, episode after episode."""
    return [
        StepsPage(episode, steps)
        for episode in episodes.attempted
        for steps in pages_of(len(episode), STEPS_PER_PAGE)
    ]


def episode_rows(episodes: Episodes) -> list[dict[str, Any]]:
    """Return one row per attempted episode, with the number of its first page, from 1."""
    rows, number = [], 1
    for episode in episodes.attempted:
        rows.append(
            {
                "index": episode.index,
                "total": float("nan") if episode.failure else episode.total_reward,
                "length": len(episode),
                "end": _end(episode),
                "failure": "" if episode.failure is None else episode.failure.message,
                "page": number,
            }
        )
        number += len(pages_of(len(episode), STEPS_PER_PAGE))
    return rows


def steps_document(episodes: Episodes, page: StepsPage) -> dict[str, Any]:
    """Return what one page shows, every number in words.

    Args:
        episodes: What the episode is of; its names head the columns.
        page: Which steps.
    """
    episode, names = page.episode, episodes.names
    inputs = _inputs(episode, page.steps)
    n_inputs = 0 if inputs is None else inputs.shape[1]
    labels = [names.inputs[i] if i < len(names.inputs) else f"input {i}" for i in range(n_inputs)]
    shown = labels[:MOST_INPUTS]
    rows = [
        {
            "step": step,
            "action": _action(episode.actions[step], names.actions),
            "reward": show(float(episode.rewards[step])),
            "terms": [show(float(values[step])) for values in episode.terms.values()],
            "inputs": [] if inputs is None else [show(float(x)) for x in inputs[i][: len(shown)]],
        }
        for i, step in enumerate(page.steps)
    ]
    return {
        "episode": episode.index,
        "rows": rows,
        "inputs": shown,
        "n_hidden": n_inputs - len(shown),
        "pictures": inputs is None,
        "terms": list(episode.terms),
        "unit": names.reward_unit,
        "length": len(episode),
        "first": page.steps.start,
        "last": page.steps.stop - 1,
        "end": _end(episode),
        "failure": "" if episode.failure is None else episode.failure.message,
    }


def _inputs(episode: Episode, steps: Sequence[int]) -> Any:
    """Return shape (steps, inputs), None for pictures."""
    observations = episode.observations[steps[0] : steps[-1] + 1] if len(steps) else np.empty((0,))
    if observations.ndim > 2:
        return None
    return observations.reshape(len(steps), -1)


def _action(action: Any, names: Sequence[str]) -> str:
    values = np.asarray(action).reshape(-1)
    if values.size == 1 and values.dtype.kind in "iu" and 0 <= values[0] < len(names):
        return names[int(values[0])]
    return ", ".join(show(float(x)) for x in values[:MOST_INPUTS])


def _end(episode: Episode) -> str:
    if episode.failure is not None:
        return f"excluded: {episode.failure.kind}"
    if episode.terminated:
        return "ended by itself"
    return "step limit" if episode.truncated else "cut off"
