"""One step of an episode in a sentence, and as a figure of the storyboard."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.explanation import Futures
from pellucid.explanation.wording import show
from pellucid.report.actions import action_name, at_or
from pellucid.report.behaviour import MOST_NAMED_INPUTS, flat
from pellucid.report.moments import CLOSE_CALL, Moment
from pellucid.report.record import EpisodeSteps, RunRecord
from pellucid.report.said import Document, said
from pellucid.rollouts.episodes import Episode

TOP_INPUTS = 3


def step_sentence(
    record: RunRecord, episode: Episode, step: int, steps: EpisodeSteps | None
) -> Document:
    """Return what the agent did at a step, in one sentence.

    Args:
        record: The run, for names.
        episode: The episode.
        step: A step of it.
        steps: What its choices rested on.
    """
    action = action_name(record, episode.actions[step])
    verb = "drew" if record.episodes.policy == "sampled" else "chose"
    chosen = _chosen_output(episode, step, steps)
    if steps is None or chosen is None or steps.unit not in ("probability", "Q-value"):
        return said(f"It {verb} {{a}}.", a=action)
    row = steps.preferences[step]
    if steps.unit == "Q-value":
        return said(f"It {verb} {{a}}, valued at {{q}}.", a=action, q=float(row[chosen]))
    percent = 100.0 * float(row[chosen])
    other = rival_of(episode, step, steps)
    if other is not None:
        return said(
            f"Close call: it {verb} {{a}}, {{p}} %, over {{b}}, {{q}} %.",
            a=action,
            p=percent,
            b=action_name(record, np.int64(other + steps.start)),
            q=100.0 * float(row[other]),
        )
    return said(f"It {verb} {{a}}, {{p}} %.", a=action, p=percent)


def rival_of(episode: Episode, step: int, steps: EpisodeSteps | None) -> int | None:
    """Return the other of the two likeliest outputs where they are nearly equally likely."""
    chosen = _chosen_output(episode, step, steps)
    if steps is None or chosen is None or steps.unit != "probability":
        return None
    row = steps.preferences[step]
    if len(row) < 2:
        return None
    first, second = np.argsort(-row, kind="stable")[:2]
    if row[first] - row[second] > CLOSE_CALL:
        return None
    return int(second if first == chosen else first)


def why_not_sentence(record: RunRecord, position: int, step: int) -> int | None:
    """Return which explanation asks why the agent did not choose otherwise at a step."""
    for index, explanation in enumerate(record.explanations):
        content = explanation.content
        if isinstance(content, Futures) and (content.episode, content.step) == (position, step):
            return index
    return None


def board_entry(
    record: RunRecord,
    position: int,
    moment: Moment,
    steps: EpisodeSteps | None,
    effects: Document | None,
    ranked: Sequence[int],
) -> Document:
    """Return one figure of the storyboard: frame, sentence and the inputs that matter."""
    episode = record.episodes.used[position]
    frame = nearest_frame(record, position, moment.step)
    return {
        "step": moment.step,
        "why": moment.why,
        "frame": frame,
        "frame_step": None if frame is None else record.frames[position].steps[frame],
        "alt": alternative_text(record, episode, moment.step),
        "inputs": _top_inputs(record, episode, moment.step, effects, ranked),
        "why_not": why_not_sentence(record, position, moment.step),
        **step_sentence(record, episode, moment.step, steps),
    }


def nearest_frame(record: RunRecord, position: int, step: int) -> int | None:
    """Return the last frame at or before a step; None if there is none."""
    frames = record.frames.get(position)
    if frames is None:
        return None
    earlier = [i for i, at in enumerate(frames.steps) if at <= step]
    return earlier[-1] if earlier else None


def alternative_text(record: RunRecord, episode: Episode, step: int) -> str:
    """Return what a frame shows, from the facts of its step."""
    observation = np.asarray(episode.observations[min(step, len(episode.observations) - 1)])
    names = record.episodes.names.inputs
    numbers = np.issubdtype(observation.dtype, np.number) and observation.ndim < 2
    values: list[Any] = observation.ravel()[:TOP_INPUTS].tolist() if numbers else []
    state = [f"{at_or(names, i, f'input {i}')} {show(float(v))}" for i, v in enumerate(values)]
    done = action_name(record, episode.actions[step]) if step < len(episode) else "end"
    return f"Step {step} of {len(episode)}: {', '.join([done, *state])}"


def _chosen_output(episode: Episode, step: int, steps: EpisodeSteps | None) -> int | None:
    if episode.actions.ndim != 1 or not np.issubdtype(episode.actions.dtype, np.integer):
        return None
    return int(episode.actions[step]) - (steps.start if steps is not None else 0)


def _top_inputs(
    record: RunRecord,
    episode: Episode,
    step: int,
    effects: Document | None,
    ranked: Sequence[int],
) -> list[Document]:
    """Return three inputs with their values: those that moved this choice, or matter most."""
    observations = flat(episode.observations)
    if not observations.size or observations.shape[1] > MOST_NAMED_INPUTS:
        return []
    shown = list(ranked[:TOP_INPUTS]) or list(range(min(TOP_INPUTS, observations.shape[1])))
    moved: dict[int, float] = {}
    if effects is not None and step in effects["steps"]:
        row = list(effects["steps"]).index(step)
        moved = dict(zip(effects["inputs"][row], effects["values"][row], strict=True))
        shown = [int(i) for i in list(moved)[:TOP_INPUTS]]
    names, units = record.episodes.names.inputs, record.episodes.names.input_units
    return [
        {
            "name": at_or(names, i, f"input {i} (unnamed)"),
            "unit": at_or(units, i, ""),
            "value": float(observations[step, i]),
            "effect": float(moved[i]) if i in moved else None,
        }
        for i in shown
        if i < observations.shape[1]
    ]
