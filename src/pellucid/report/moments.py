"""The moments of an episode that are worth a look, and why."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pellucid.explanation import Contributions, Explanation, Futures, Segments, Summary
from pellucid.report.record import EpisodeSteps

MOST_MOMENTS = 12
"""Figures of a storyboard at most."""
FEWEST_MOMENTS = 8
"""Figures that evenly spaced steps fill up to."""
CLOSE_CALL = 0.1
"""Difference of the two largest probabilities below which a choice is a close call."""
MOST_LINKS = 5
"""Moments that a card links to at most."""
MOST_EPISODES = 8
"""Episodes that are shown at most."""


class Moment(NamedTuple):
    """One step worth a look.

    Args:
        step: The step.
        why: Why, in words; empty for one that only fills a gap.
    """

    step: int
    why: str


def key_moments(
    n_steps: int,
    position: int,
    steps: EpisodeSteps | None = None,
    explanations: Sequence[Explanation] = (),
) -> list[Moment]:
    """Return up to twelve moments of an episode in the order of its steps.

    What explanations are about comes first, then both ends, moments that stand out, the largest
    fall of the predicted return and the closest call; evenly spaced steps fill up to eight.

    Args:
        n_steps: Length of the episode.
        position: Of the episode in `episodes.used`.
        steps: What its choices rested on.
        explanations: Of the run.
    """
    if n_steps < 1:
        return []
    found: dict[int, list[str]] = {}
    for step, why in (
        *_explained(position, explanations),
        (0, "first step"),
        (n_steps - 1, "last step"),
        *_standing_out(position, explanations),
        *_of_choices(steps),
    ):
        if 0 <= step < n_steps and (step in found or len(found) < MOST_MOMENTS):
            found.setdefault(step, [])
            if why not in found[step]:
                found[step].append(why)
    for step in np.linspace(0, n_steps - 1, FEWEST_MOMENTS).round().astype(int).tolist():
        if len(found) < FEWEST_MOMENTS:
            found.setdefault(step, [])
    return [Moment(step, ", ".join(found[step])) for step in sorted(found)]


def decisive_stretch(position: int, explanations: Sequence[Explanation]) -> tuple[int, int] | None:
    """Return first step and one past the last of the stretch that decided an episode, if known.

    That of the first explanation that can be relied on.
    """
    for explanation in explanations:
        content = explanation.content
        told = explanation.badge in ("supported", "weak")
        if told and isinstance(content, Segments) and content.episode == position:
            chosen = content.chosen
            return int(content.starts[chosen]), int(content.stops[chosen])
    return None


def highlighted(explanations: Sequence[Explanation]) -> list[tuple[int, int]]:
    """Return episode and step of every moment that a summary names."""
    return [
        (int(episode), int(step))
        for explanation in explanations
        if isinstance(explanation.content, Summary)
        for episode, step in explanation.content.steps
    ]


def named_moments(explanation: Explanation) -> list[tuple[int, int]]:
    """Return position of the episode and step of the moments that an explanation is about."""
    content = explanation.content
    if isinstance(content, Segments):
        return [(content.episode, int(content.starts[content.chosen]))]
    if isinstance(content, Futures):
        return [(content.episode, content.step)]
    if isinstance(content, Contributions):
        return [(int(episode), int(step)) for episode, step in content.moments][:MOST_LINKS]
    return highlighted((explanation,))[:MOST_LINKS]


def _explained(position: int, explanations: Sequence[Explanation]) -> list[tuple[int, str]]:
    found = []
    stretch = decisive_stretch(position, explanations)
    if stretch is not None:
        found += [(stretch[0], "decisive stretch begins"), (stretch[1] - 1, "and ends")]
    for explanation in explanations:
        content = explanation.content
        if isinstance(content, Futures) and content.episode == position:
            found.append((content.step, "asked about"))
        if isinstance(content, Contributions) and explanation.badge in ("supported", "weak"):
            steps = content.moments[content.moments[:, 0] == position, 1].tolist()
            found += [(step, "asked about") for step in steps]
    return found


def _standing_out(position: int, explanations: Sequence[Explanation]) -> list[tuple[int, str]]:
    return [(step, "stands out") for e, step in highlighted(explanations) if e == position]


def _of_choices(steps: EpisodeSteps | None) -> list[tuple[int, str]]:
    if steps is None:
        return []
    found = []
    falls = np.diff(steps.values)
    if len(falls) and np.nanmin(falls, initial=0.0) < 0:
        found.append((int(np.nanargmin(falls)), "predicted return falls most"))
    n_steps, n_outputs = steps.preferences.shape
    if n_steps and n_outputs > 1 and steps.unit in ("probability", "Q-value"):
        best = np.sort(steps.preferences, axis=1)[:, -2:]
        found.append((int(np.argmin(best[:, 1] - best[:, 0])), "closest call"))
    return found
