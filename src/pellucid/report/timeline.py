"""Episodes step by step, as data: what it chose, what that rested on, and which steps to look at.

The page's storyboard and step table are made of this, and so is the timeline that its script adds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation import Attribution, Explanation, Futures, Segments
from pellucid.explanation.wording import unit_of
from pellucid.report.actions import action_name, at_or
from pellucid.report.behaviour import MOST_NAMED_INPUTS, flat
from pellucid.report.memory_lane import remembered
from pellucid.report.moments import (
    MOST_EPISODES,
    Moment,
    decisive_stretch,
    highlighted,
    key_moments,
)
from pellucid.report.record import EpisodeSteps, RunRecord
from pellucid.report.said import Document, said
from pellucid.report.steps import board_entry, rival_of
from pellucid.rollouts.episodes import Episode

MOST_STEPS = 2000
"""Steps of one episode that the page holds; of a longer one every second, third, … step."""
TABLE_ROWS = 75
"""Rows of all step tables together, so that a page with many episodes opens at once."""
MOST_TABLE_ROWS = 60
MAX_SERIES = 5
MOST_EFFECTS = 5
HEADINGS = {
    "only": "The only episode",
    "equal": "One of its episodes, which all earn the same",
    "worst": "Worst episode",
    "best": "Best episode",
    "median": "Median episode",
    "explained": "Episode that an answer is about",
    "highlighted": "Episode with a moment that stands out",
}


def timeline(record: RunRecord) -> Document:
    """Return the episodes that are shown step by step, the worst first.

    Args:
        record: One run of `explain`.
    """
    shown = shown_episodes(record)
    rows = min(MOST_TABLE_ROWS, TABLE_ROWS // max(1, len(shown)))
    return {
        "episodes": [_episode(record, position, role, rows) for position, role in shown],
        "inputs": list(record.episodes.names.inputs[:MOST_NAMED_INPUTS]),
        "n_used": len(record.episodes.used),
    }


def shown_episodes(record: RunRecord) -> list[tuple[int, str]]:
    """Return position and role of the episodes to show, each once: worst, best, median, others."""
    n = len(record.episodes.used)
    if n < 2:
        return [(0, "only")] if n else []
    order = np.argsort(record.episodes.returns, kind="stable")
    if record.returns.constant:
        found = {0: "equal"}
    else:
        found = {int(order[0]): "worst"}
        found.setdefault(int(order[-1]), "best")
        found.setdefault(int(order[(n - 1) // 2]), "median")
    for explanation in record.explanations:
        content = explanation.content
        if isinstance(content, Segments | Futures) and 0 <= content.episode < n:
            found.setdefault(content.episode, "explained")
    for position, _ in highlighted(record.explanations):
        if 0 <= position < n:
            found.setdefault(position, "highlighted")
    return list(found.items())[:MOST_EPISODES]


def kept_steps(n_steps: int, moments: Sequence[Moment]) -> Int[np.ndarray, " kept"]:
    """Return the steps that the page holds: all, or every k-th and those worth a look."""
    if n_steps <= MOST_STEPS:
        return np.arange(n_steps)
    every = -(-n_steps // MOST_STEPS)
    keys = [moment.step for moment in moments]
    return np.unique(np.concatenate((np.arange(0, n_steps, every), np.array(keys, dtype=int))))


# --- one episode ---


def _episode(record: RunRecord, position: int, role: str, n_rows: int) -> Document:
    episode = record.episodes.used[position]
    steps = record.steps.get(position)
    moments = key_moments(len(episode), position, steps, record.explanations)
    kept = kept_steps(len(episode), moments)
    stretch = decisive_stretch(position, record.explanations)
    effects = _effects(record, position)
    ranked = ranked_inputs(record)
    return {
        "role": role,
        "heading": HEADINGS[role],
        "episode": episode.index,
        "position": position,
        "n_steps": len(episode),
        "n_kept": len(kept),
        "steps": kept,
        "rewards": episode.rewards[kept],
        "values": steps.values[kept] if steps is not None and len(steps.values) else [],
        "envelope": _envelope(episode, steps) if len(kept) < len(episode) else None,
        **_choices(record, episode, steps, kept),
        "terms": [{"name": n, "values": v[kept]} for n, v in episode.terms.items()],
        "inputs": _inputs(record, episode, kept, ranked),
        "effects": effects,
        "memory": remembered(record.explanations, position),
        "frames": _frames(record, position),
        "moments": [{"step": m.step, "why": m.why or "between"} for m in moments if m.why],
        "stretch": None
        if stretch is None
        else {"start": stretch[0], "stop": stretch[1], "last": stretch[1] - 1},
        "board": [
            board_entry(record, position, moment, steps, effects, ranked) for moment in moments
        ],
        "table": _table(kept, moments, n_rows),
        **_told(record, episode),
    }


def _told(record: RunRecord, episode: Episode) -> Document:
    end = "it was cut off"
    if episode.terminated or episode.truncated:
        end = "it ended by itself" if episode.terminated else "the step limit ended it"
    return said(
        "{r} {unit} in {n} {steps}; {end}.",
        r=episode.total_reward,
        unit=unit_of(episode.total_reward, record.episodes.names.reward_unit),
        n=len(episode),
        steps="step" if len(episode) == 1 else "steps",
        end=end,
    )


def _choices(
    record: RunRecord, episode: Episode, steps: EpisodeSteps | None, kept: Int[np.ndarray, " kept"]
) -> Document:
    """Return what the choices rested on, the action taken at each kept step, and its sentence."""
    discrete = episode.actions.ndim == 1 and np.issubdtype(episode.actions.dtype, np.integer)
    n_outputs = steps.preferences.shape[1] if steps is not None else 0
    names = record.episodes.names.actions
    start = steps.start if steps is not None else 0
    outputs = [at_or(names, i, f"action {i + start}") for i in range(n_outputs)]
    taken = [action_name(record, episode.actions[step]) for step in kept]
    labels = list(dict.fromkeys(taken)) if discrete else []
    by_output = discrete and n_outputs > 0
    rivals = [rival_of(episode, step, steps) for step in kept.tolist()] if by_output else []
    return {
        "unit": steps.unit if steps is not None else "",
        "outputs": outputs,
        "choices": steps.preferences[kept] if steps is not None else [],
        "spreads": steps.spreads[kept] if steps is not None and steps.spreads.size else [],
        "ends": steps.ends if steps is not None and steps.ends.size else [],
        "actions": labels,
        "taken": [labels.index(name) for name in taken] if discrete else taken,
        "taken_output": [int(a) - start for a in episode.actions[kept]] if by_output else [],
        "rivals": [-1 if rival is None else rival for rival in rivals],
        "drawn": record.episodes.policy == "sampled",
    }


def _inputs(
    record: RunRecord, episode: Episode, kept: Int[np.ndarray, " kept"], ranked: Sequence[int]
) -> list[Document]:
    observations = flat(episode.observations)
    if not observations.size or observations.shape[1] > MOST_NAMED_INPUTS:
        return []
    names, units = record.episodes.names.inputs, record.episodes.names.input_units
    shown = [i for i in ranked if i < observations.shape[1]] or range(observations.shape[1])
    return [
        {
            "name": at_or(names, i, f"input {i} (unnamed)"),
            "unit": at_or(units, i, ""),
            "values": observations[kept, i],
        }
        for i in list(shown)[:MAX_SERIES]
    ]


def _effects(record: RunRecord, position: int) -> Document | None:
    """Return what moved the choice in the explained states of an episode, most first."""
    explanation = reliable_attribution(record.explanations)
    if explanation is None:
        return None
    content = explanation.content
    assert isinstance(content, Attribution)
    states = np.flatnonzero(content.steps[:, 0] == position)
    states = states[np.argsort(content.steps[states, 1], kind="stable")]
    if not len(states) or len(content.input_names) > MOST_NAMED_INPUTS:
        return None
    values = content.chosen_values[states]
    order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :MOST_EFFECTS]
    return {
        "unit": content.output_unit,
        "badge": explanation.badge,
        "names": list(content.input_names),
        "steps": content.steps[states, 1],
        "inputs": order,
        "values": np.take_along_axis(values, order, axis=1),
    }


def reliable_attribution(explanations: Sequence[Explanation]) -> Explanation | None:
    """Return the first attribution of choices to inputs that can be relied on.

    Supported ones come first; one to groups of inputs names none of them.
    """
    for badge in ("supported", "weak"):
        for explanation in explanations:
            content = explanation.content
            alone = isinstance(content, Attribution) and not content.groups.size
            if alone and explanation.badge == badge and explanation.target == "action":
                return explanation
    return None


def ranked_inputs(record: RunRecord) -> list[int]:
    """Return the inputs that the first reliable ranking names first; empty if there is none."""
    explanation = reliable_attribution(record.explanations)
    if explanation is None or not isinstance(explanation.content, Attribution):
        return []
    return [int(i) for i in explanation.content.ranking[:MAX_SERIES]]


def _frames(record: RunRecord, position: int) -> Document | None:
    frames = record.frames.get(position)
    if frames is None or not frames.steps:
        return None
    return {"steps": list(frames.steps), "width": frames.width, "height": frames.height}


def _envelope(episode: Episode, steps: EpisodeSteps | None) -> Document:
    """Return lowest and highest reward and value of even stretches of a long episode."""
    every = -(-len(episode) // (MOST_STEPS // 2))
    starts = np.arange(0, len(episode), every)

    def ends(values: Float[np.ndarray, " steps"]) -> Any:
        return [np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)]

    values = steps.values if steps is not None else np.empty(0)
    return {
        "starts": starts,
        "rewards": ends(episode.rewards),
        "values": ends(values) if len(values) else [],
    }


def _table(kept: Int[np.ndarray, " kept"], moments: Sequence[Moment], n_rows: int) -> list[int]:
    """Return which of the kept steps the table has: evenly spread, and those worth a look."""
    if len(kept) <= n_rows:
        return list(range(len(kept)))
    keys = np.searchsorted(kept, [m.step for m in moments if m.why])
    rest = max(2, n_rows - len(keys))
    spread = np.linspace(0, len(kept) - 1, rest).round().astype(int)
    return sorted({*keys.tolist(), *spread.tolist()})
