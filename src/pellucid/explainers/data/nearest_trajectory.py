"""Nearest trajectories: which recorded episodes a decision resembles (leaf F4)."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from pellucid.agents.context import in_context
from pellucid.agents.flatten import n_inputs
from pellucid.budget import Cost
from pellucid.explainers.data.decisions import cost_of_decisions, place_of, shown_moment
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.contributors import named_episodes
from pellucid.explanation.options import EPISODE, STEP
from pellucid.rollouts.clones import (
    MOST_NUMBERS,
    decisions_at,
    moments_of,
    observations_at,
    recorded_at,
    scaled_inputs,
)
from pellucid.rollouts.logs import evenly
from pellucid.rollouts.remembered import same
from pellucid.types import HasLatent

N_NEIGHBOURS = 20
MOST_STATES = 4000
"""Recorded states among which the nearest are looked for, evenly spread over all."""
LATENT = "the agent's own last hidden layer"
INPUTS = "its standardised inputs, as no hidden layer of it is known"

_QUESTION = "Which recorded episodes does this choice resemble?"


@explainer(
    "nearest-trajectory",
    leaf="F4",
    kind=Contributions,
    decisive="removal_refit",
    source="Papernot 2018 (deep k-nearest neighbours), by episodes; the test ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="This choice resembles {x} most, with {y} % of its {k} nearest moments by "
        "{space}; {same} of them chose alike. Refitted without the nearest episodes, a clone's "
        "choices move by {d} points of 100 ({lo} to {hi}); without random ones, by {r}.",
        weak="This choice may resemble {x} most, by {space}. Refitted without the nearest "
        "episodes, a clone's choices move by {d} points of 100 ({lo} to {hi}); without random "
        "ones, not clearly less ({r}).",
        thin="This choice may resemble {x} most, by {space}. Refitted without the nearest "
        "episodes, a clone's choices move by {d} points of 100 ({lo} to {hi}), without random "
        "ones by {r}; but {reason}.",
        failed="That the episodes nearest to a choice carry it could not be shown: a clone "
        "refitted without them moves no more than without random ones.",
        not_measured="Whether the nearest episodes carry this choice was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent was trained on these episodes",
    ),
    options={**EPISODE, **STEP},
    on_record=True,
)
class NearestTrajectory:
    """Finds the moments of other episodes that are nearest to a decision, and counts by episode.

    Near by the Euclidean distance of the activations that feed the agent's action head; where an
    agent shows none, and for logs without their agent, of standardised inputs, and the text says
    which. The 20 nearest recorded moments outside of the decision's own episode count, weighted by
    a Gaussian of their distance (its width is the mean distance of the 20); an episode's value is
    its share of the weight, in percent. The decision is the one asked for (options `episode` and
    `step`), else the one in the middle of the typical episode; the test uses decisions of up to 20
    episodes. Deviation from Papernot 2018: one layer, and no calibration, since nothing is claimed
    of how sure the agent is.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per decision, and per state if the agent shows its hidden layer.

        Raises:
            BudgetError: The budget does not pay for them.
            CapabilityError: The agent has a memory, or observations are no numbers.
            DataError: There are less than three episodes.
        """
        return cost_of_decisions(task, more=_cost_of_states(task))

    def explain(self, task: Task) -> Finding:
        """Find the nearest moments of every decision."""
        self.plan(task)
        episodes, shown = task.episodes, shown_moment(task)
        moments = moments_of(episodes, shown)
        pool = episodes.visited_steps[evenly(len(episodes.visited), _most_states(task))]
        own, others = _embedded(task, moments), _embedded(task, pool)
        near = _nearest(own, others, moments[:, 0], pool[:, 0])
        content = _content(near, pool, moments, shown, len(episodes))
        n_same = _n_same(task, moments, pool, near, content.shown)
        top, first = int(np.argmax(content.values)), pool[near.rows[content.shown, 0]]
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.names[top]),
                "y": fact(float(content.values[top])),
                "k": fact(near.rows.shape[1]),
                "space": fact(LATENT if _shows_latent(task) else INPUTS),
                "same": fact(n_same),
                "nearest": fact(f"step {first[1]} of episode {first[0]}"),
                "m": fact(len(named_episodes(content, content.shown))),
                "episode": fact(shown[0]),
                "step": fact(shown[1]),
            },
        )


@dataclass(frozen=True)
class _Near:
    rows: Int[np.ndarray, "moments neighbours"]
    weights: Float[np.ndarray, "moments neighbours"]


def _shows_latent(task: Task) -> bool:
    return "latent" in task.agent.capabilities


def _most_states(task: Task) -> int:
    if _shows_latent(task):
        return MOST_STATES
    return min(MOST_STATES, max(1, MOST_NUMBERS // n_inputs(task.agent.observation_space)))


def _cost_of_states(task: Task) -> int:
    if not _shows_latent(task):
        return 0
    n_moments = len(moments_of(task.episodes, shown_moment(task)))
    return n_moments + min(len(task.episodes.visited), _most_states(task))


def _embedded(
    task: Task, moments: Int[np.ndarray, "moments 2"]
) -> Float[np.ndarray, "moments units"]:
    """Return where moments are, in the agent's hidden layer or among its inputs."""
    seen = observations_at(task.episodes, moments)
    if _shows_latent(task):
        asked = in_context(task.agent, task.episodes.context_at(moments))
        return np.asarray(cast(HasLatent, asked).latent(seen), dtype=np.float64)
    return scaled_inputs(task.episodes, seen)


def _nearest(
    own: Float[np.ndarray, "moments units"],
    others: Float[np.ndarray, "states units"],
    own_episodes: Int[np.ndarray, " moments"],
    other_episodes: Int[np.ndarray, " states"],
) -> _Near:
    """Return the nearest states of other episodes, nearest first, and what each of them counts."""
    distances = cdist(own, others)
    distances[own_episodes[:, None] == other_episodes] = np.inf
    k = min(N_NEIGHBOURS, int(np.isfinite(distances).sum(axis=1).min()))
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    near = np.take_along_axis(distances, rows, axis=1)
    width = near.mean(axis=1, keepdims=True)
    weights = np.exp(-0.5 * (near / np.where(width > 0, width, 1.0)) ** 2)
    return _Near(rows, weights / weights.sum(axis=1, keepdims=True))


def _content(
    near: _Near,
    pool: Int[np.ndarray, "states 2"],
    moments: Int[np.ndarray, "moments 2"],
    shown: tuple[int, int],
    n_episodes: int,
) -> Contributions:
    by_moment = np.zeros((len(moments), n_episodes))
    places = np.arange(len(moments))[:, None]
    np.add.at(by_moment, (places, pool[near.rows, 0]), 100.0 * near.weights)
    at = place_of(moments, shown)
    return Contributions(
        names=tuple(f"episode {i}" for i in range(n_episodes)),
        values=by_moment[at],
        standard_errors=np.full(n_episodes, np.nan),
        total=100.0,
        unit="% of the nearest moments",
        moments=moments,
        members=np.arange(n_episodes),
        by_moment=by_moment,
        shown=at,
    )


def _n_same(
    task: Task,
    moments: Int[np.ndarray, "moments 2"],
    pool: Int[np.ndarray, "states 2"],
    near: _Near,
    shown: int,
) -> int:
    """Return in how many of the nearest moments the recorded action is the one decided for."""
    decisions = decisions_at(task.agent, task.episodes, moments)
    there = recorded_at(task.episodes, pool[near.rows[shown]])
    here = np.repeat(decisions[shown : shown + 1], len(there), axis=0)
    return int(same(task.agent.action_space, there, here).sum())
