"""What the agent does, as data: all returns, three episodes as strips, ranges of the inputs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.explanation import Attribution
from pellucid.explanation.wording import show
from pellucid.report.record import EpisodeFrames, RunRecord
from pellucid.report.said import Document, said
from pellucid.rollouts.episodes import Episode

MAX_FRAMES = 8
"""Frames in a strip."""
STRIP_BYTES = 600_000
"""Most bytes of frames in one of three strips; base64 makes them a third larger."""
MAX_SERIES = 5
MAX_POINTS = 120
ALT_INPUTS = 3


def episodes(record: RunRecord) -> Document:
    """Return counts and one row per attempted episode."""
    attempted, used = record.episodes.attempted, record.episodes.used
    return {
        "attempted": len(attempted),
        "used": len(used),
        "excluded": len(attempted) - len(used),
        "excluded_by_kind": dict(
            sorted(Counter(e.failure.kind for e in attempted if e.failure is not None).items())
        ),
        "terminated": sum(e.terminated for e in used),
        "truncated": sum(e.truncated for e in used),
        "steps": sum(len(e) for e in used),
        "actions": _action_shares(record),
        "rows": [_row(e) for e in attempted],
    }


def excluded(record: RunRecord) -> list[Document]:
    """Return the episodes that enter no number, with the reason of each."""
    return [
        {
            "episode": e.index,
            "kind": e.failure.kind,
            "message": e.failure.message,
            "step": e.failure.step,
        }
        for e in record.episodes.attempted
        if e.failure is not None
    ]


def inputs(record: RunRecord) -> list[Document]:
    """Return the range of each input over the visited states."""
    visited = flat(record.episodes.visited)
    if visited.size == 0:
        return []
    names, units = record.episodes.names.inputs, record.episodes.names.input_units
    return [
        {
            "name": _at(names, i, f"input {i} (unnamed)"),
            "unit": _at(units, i, ""),
            "low": float(np.nanmin(visited[:, i])),
            "mean": float(np.nanmean(visited[:, i])),
            "high": float(np.nanmax(visited[:, i])),
        }
        for i in range(visited.shape[1])
        if np.isfinite(visited[:, i]).any()
    ]


def strips(record: RunRecord) -> list[Document]:
    """Return the best, the median and the worst episode, each once."""
    used = record.episodes.used
    if not used:
        return []
    order = np.argsort(record.episodes.returns, kind="stable")
    chosen = {"best": order[-1], "median": order[(len(order) - 1) // 2], "worst": order[0]}
    found: list[Document] = []
    seen: set[int] = set()
    for role, position in chosen.items():
        if int(position) not in seen:
            seen.add(int(position))
            found.append(_strip(record, role, int(position)))
    return found


def frame_positions(record: RunRecord, position: int) -> list[int]:
    """Return which of the kept frames of an episode make up its strip.

    Up to eight, evenly spread, the first and the last among them; fewer if they would be too
    large for the page.
    """
    images = record.frames[position].images
    for count in range(min(MAX_FRAMES, len(images)), 1, -1):
        kept = [int(i) for i in np.linspace(0, len(images) - 1, count).round()]
        if sum(len(images[i]) for i in kept) <= STRIP_BYTES:
            return kept
    return [0, len(images) - 1] if len(images) > 1 else list(range(len(images)))


def action_name(record: RunRecord, action: Any) -> str:
    """Return an action in words."""
    names = record.episodes.names.actions
    values = np.asarray(action)
    if values.ndim == 0 and np.issubdtype(values.dtype, np.integer):
        return _at(names, int(values), f"action {int(values)}")
    parts = [
        f"{_at(names, i, f'action {i}')} {show(float(v))}" for i, v in enumerate(values.ravel())
    ]
    return ", ".join(parts)


def flat(observations: np.ndarray) -> Float[np.ndarray, "states inputs"]:
    """Return observations as one row of numbers each; empty if they are not numbers."""
    if observations.size == 0 or not np.issubdtype(observations.dtype, np.number):
        return np.empty((0, 0))
    return observations.reshape(len(observations), -1).astype(np.float64)


# --- parts ---


def _row(episode: Episode) -> Document:
    failed = episode.failure is not None
    return {
        "index": episode.index,
        "seed": episode.seed if episode.seed >= 0 else None,
        "return": episode.total_reward,
        "length": len(episode),
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "used": not failed,
    }


def _action_shares(record: RunRecord) -> list[Document]:
    used = [e.actions for e in record.episodes.used if len(e)]
    if not used or used[0].ndim != 1 or not np.issubdtype(used[0].dtype, np.integer):
        return []
    actions = np.concatenate(used)
    values, counts = np.unique(actions, return_counts=True)
    rows = [
        {"name": action_name(record, value), "percent": 100.0 * float(count) / len(actions)}
        for value, count in zip(values, counts, strict=True)
    ]
    return sorted(rows, key=lambda row: -row["percent"])


def _strip(record: RunRecord, role: str, position: int) -> Document:
    episode = record.episodes.used[position]
    return {
        "role": role,
        "episode": episode.index,
        "position": position,
        "frames": _frames(record, episode, position),
        "series": _series(record, episode),
        **said(
            "{r} {unit} in {n} steps; {end}.",
            r=episode.total_reward,
            unit=record.episodes.names.reward_unit,
            n=len(episode),
            end=_end(episode),
        ),
    }


def _end(episode: Episode) -> str:
    if episode.terminated:
        return "it ended by itself"
    return "the step limit ended it" if episode.truncated else "it was cut off"


def _frames(record: RunRecord, episode: Episode, position: int) -> list[Document]:
    if position not in record.frames:
        return []
    frames: EpisodeFrames = record.frames[position]
    kept = frame_positions(record, position)
    return [
        {
            "frame": i,
            "step": int(frames.steps[i]),
            "action": _action_at(record, episode, int(frames.steps[i])),
            "alt": _alt(record, episode, int(frames.steps[i])),
        }
        for i in kept
    ]


def _action_at(record: RunRecord, episode: Episode, step: int) -> str:
    return action_name(record, episode.actions[step]) if step < len(episode) else "end"


def _alt(record: RunRecord, episode: Episode, step: int) -> str:
    observation = np.asarray(episode.observations[min(step, len(episode.observations) - 1)])
    names = record.episodes.names.inputs
    numeric = np.issubdtype(observation.dtype, np.number)
    values: list[float] = observation.ravel().tolist() if numeric else []
    state = [
        f"{_at(names, i, f'input {i}')} {show(float(v))}" for i, v in enumerate(values[:ALT_INPUTS])
    ]
    return (
        f"Step {step} of {len(episode)}: {', '.join([_action_at(record, episode, step), *state])}"
    )


def _series(record: RunRecord, episode: Episode) -> list[Document]:
    observations = flat(episode.observations)
    if observations.size == 0:
        return []
    names, units = record.episodes.names.inputs, record.episodes.names.input_units
    every = max(1, -(-len(observations) // MAX_POINTS))
    kept = sorted({*range(0, len(observations), every), len(observations) - 1})
    return [
        {
            "name": _at(names, i, f"input {i} (unnamed)"),
            "unit": _at(units, i, ""),
            "steps": kept,
            "values": observations[kept, i],
        }
        for i in _shown_inputs(record, observations.shape[1])
    ]


def _shown_inputs(record: RunRecord, n_inputs: int) -> list[int]:
    """The inputs that the first reliable ranking names first, else those that come first."""
    for explanation in record.explanations:
        content = explanation.content
        reliable = explanation.badge in ("supported", "weak")
        if reliable and isinstance(content, Attribution) and len(content.input_names) == n_inputs:
            return [int(i) for i in content.ranking[:MAX_SERIES]]
    return list(range(min(n_inputs, MAX_SERIES)))


def _at(names: Sequence[str], index: int, otherwise: str) -> str:
    return names[index] if 0 <= index < len(names) else otherwise
