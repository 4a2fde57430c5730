"""How alike two explanations of the same question are, for when only their seeds differ.

What changes with the seed alone says nothing of the agent. One measure per kind of content, from 1
(the same answer) down; kinds whose answers cannot be put on such a scale have none.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.context import in_context
from pellucid.agents.program import ProgramAgent
from pellucid.explanation import (
    Attribution,
    Content,
    Contributions,
    CounterfactualStates,
    Futures,
    Rules,
    Segments,
    Summary,
    Surrogate,
)
from pellucid.explanation.programs import program_of
from pellucid.faithfulness.hiding import changed_choices
from pellucid.kernels.ranks import spearman
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Agent

NEAR_STEPS = 5
"""Steps within which two moments count as the same."""
MOST_STATES = 2000
"""States in which two stand-ins are compared."""


@dataclass(frozen=True)
class Likeness:
    """How two contents of a kind are compared.

    Args:
        words: What is compared, for people.
        measure: From two contents, the agent and its episodes: 1 if they answer the same; NaN if
            they cannot be compared.
        lowest: The least alike that two can be.
    """

    words: str
    measure: Callable[[Any, Any, Agent, Episodes], float]
    lowest: float = 0.0


def likeness_of(kind: type[Content]) -> Likeness | None:
    """Return how two contents of a kind are compared, None if no measure fits it."""
    return _LIKENESS.get(kind.kind)


def _attribution(shown: Attribution, other: Attribution, agent: Agent, episodes: Episodes) -> float:
    if shown.input_names != other.input_names or shown.groups.ndim == 2:
        return math.nan  # groups that are found anew in each state have no names of their own
    return _rank_correlation(shown.importance, other.importance)


def _contributions(
    shown: Contributions, other: Contributions, agent: Agent, episodes: Episodes
) -> float:
    if shown.names != other.names:
        return math.nan
    return _rank_correlation(shown.values, other.values)


def _rank_correlation(
    first: Float[np.ndarray, " items"], second: Float[np.ndarray, " items"]
) -> float:
    return float(spearman(first[None], second[None])[0]) if len(first) > 1 else math.nan


def _segments(shown: Segments, other: Segments, agent: Agent, episodes: Episodes) -> float:
    if shown.episode != other.episode:
        return 0.0
    first, second = (_steps(content) for content in (shown, other))
    return _shared(first, second)


def _steps(content: Segments) -> set[int]:
    return set(range(int(content.starts[content.chosen]), int(content.stops[content.chosen])))


def _shared(first: set[Any], second: set[Any]) -> float:
    """Return the share of what either has that both have: Jaccard's index."""
    either = first | second
    return len(first & second) / len(either) if either else math.nan


def _summary(shown: Summary, other: Summary, agent: Agent, episodes: Episodes) -> float:
    found = [_is_near(moment, other.steps) for moment in shown.steps]
    return float(np.mean(found)) if found else math.nan


def _is_near(moment: Int[np.ndarray, "2"], others: Int[np.ndarray, "moments 2"]) -> bool:
    same_episode = others[:, 0] == moment[0]
    return bool((same_episode & (np.abs(others[:, 1] - moment[1]) <= NEAR_STEPS)).any())


def _surrogate(shown: Surrogate, other: Surrogate, agent: Agent, episodes: Episodes) -> float:
    if not len(shown.features) or not len(other.features):
        return math.nan
    n_states = len(episodes.visited)
    rows = np.linspace(0, n_states - 1, min(MOST_STATES, n_states)).round().astype(np.int64)
    states, context = episodes.visited[rows], episodes.context_at(episodes.visited_steps[rows])
    first, second = (
        in_context(
            ProgramAgent(program_of(stand_in), agent.observation_space, agent.action_space), context
        ).act(states)
        for stand_in in (shown, other)
    )
    return 1.0 - float(np.mean(changed_choices(agent.action_space, first, second)))


def _futures(shown: Futures, other: Futures, agent: Agent, episodes: Episodes) -> float:
    signs = [np.sign((c.returns[0] - c.returns[1]).mean()) for c in (shown, other)]
    return float(signs[0] == signs[1]) if np.isfinite(signs).all() else math.nan


def _changed_states(
    shown: CounterfactualStates, other: CounterfactualStates, agent: Agent, episodes: Episodes
) -> float:
    if shown.observations.shape != other.observations.shape:
        return math.nan
    touched = [c.found[:, None] & (c.changed != c.observations) for c in (shown, other)]
    either = (touched[0] | touched[1]).sum(axis=1)
    known = either > 0
    if not known.any():
        return math.nan
    both = (touched[0] & touched[1]).sum(axis=1)
    return float((both[known] / either[known]).mean())


def _rules(shown: Rules, other: Rules, agent: Agent, episodes: Episodes) -> float:
    return _shared(set(shown.rules), set(other.rules))


_LIKENESS: Mapping[str, Likeness] = {
    Attribution.kind: Likeness("rank correlation of the inputs", _attribution, -1.0),
    Contributions.kind: Likeness("rank correlation of the shares", _contributions, -1.0),
    Segments.kind: Likeness("share of the stretch's steps in common", _segments),
    Summary.kind: Likeness("share of the moments that are found again", _summary),
    Surrogate.kind: Likeness("share of states with the same choice", _surrogate),
    Futures.kind: Likeness("share that finds the same action to do better", _futures),
    CounterfactualStates.kind: Likeness("share of changed inputs in common", _changed_states),
    Rules.kind: Likeness("share of rules in common", _rules),
}
