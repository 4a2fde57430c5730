"""Trajectory attribution: which group of recorded episodes a decision goes back to (leaf C1)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage

from pellucid.agents.outputs import chosen_columns, outputs_of_actions
from pellucid.budget import Cost
from pellucid.errors import DataError, InputError
from pellucid.explainers.data.decisions import cost_of_decisions, place_of, shown_moment
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.contributors import named_episodes
from pellucid.explanation.options import EPISODE, STEP, whole_number
from pellucid.rollouts.clones import (
    agreement,
    decisions_at,
    fit_clone,
    moments_of,
    scaled_inputs,
)
from pellucid.rollouts.episodes import Episodes

N_GROUPS, MOST_GROUPS = 5, 20

_QUESTION = "Which kind of recorded episode does this choice go back to?"


@explainer(
    "trajectory-attribution",
    leaf="C1",
    kind=Contributions,
    decisive="removal_neighbours",
    source="Deshmukh 2023 (explaining decisions with trajectories), on a clone",
    question=_QUESTION,
    sentences=Sentences(
        supported="A clone of the recorded choices owes this one to {x}: without these it agrees "
        "{y} points of 100 less. A clone of another kind loses {d} without that group "
        "({lo} to {hi}), without as many random episodes {r}.",
        weak="A clone of the recorded choices may owe this one to {x}. A clone of another kind "
        "loses {d} points of 100 without that group ({lo} to {hi}), not clearly more than without "
        "random episodes ({r}).",
        thin="A clone of the recorded choices may owe this one to {x}. A clone of another kind "
        "loses {d} points of 100 without that group ({lo} to {hi}), without random episodes {r}; "
        "but {reason}.",
        failed="That choices go back to a kind of episode could not be shown: a clone of another "
        "kind loses no more without the group named than without random episodes.",
        not_measured="Which kind of episode this choice goes back to was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent itself was trained on these episodes, or would change",
    ),
    options={
        **EPISODE,
        **STEP,
        "clusters": f"into how many groups episodes are put, from 2 to {MOST_GROUPS} ({N_GROUPS})",
    },
    on_record=True,
)
class TrajectoryAttribution:
    """Groups episodes that are alike, refits a clone without each group, and sees what turns.

    An episode is described by the mean of its standardised inputs and of its actions; groups are
    those of Ward's method. The clone is the one of `data-influence`; it never sees the episode of
    the decision. A group's value for a decision is the agreement with what the agent does there, in
    points of 100, that the clone loses without it, times how little the data change: the smallest
    distance over groups between the mean description of all episodes and of those that are left, as
    a share of this group's. Where some groups turn the clone to another choice, others count 0.

    Deviations from Deshmukh 2023: descriptions are means and not those of a sequence model; a small
    clone takes the place of the agent's own training; and where the paper picks the closest data
    among groups that change the action most, both are weighed, so that near ties can be seen.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per decision.

        Raises:
            BudgetError: The budget does not pay for them.
            CapabilityError: The agent has a memory, or observations are no numbers.
            DataError: There are fewer episodes than groups.
            InputError: The option is out of range.
        """
        cost = cost_of_decisions(task)
        _n_groups(task)
        return cost

    def explain(self, task: Task) -> Finding:
        """Take every group out, for every decision."""
        self.plan(task)
        shown = shown_moment(task)
        moments = moments_of(task.episodes, shown)
        at = place_of(moments, shown)
        grouped = _grouped(task.episodes, task.agent.action_space, _n_groups(task))
        effects = _effects(task, grouped, moments)
        content = Contributions(
            names=grouped.names,
            values=effects.worth[at],
            standard_errors=np.full(len(grouped.names), np.nan),
            total=float(effects.worth[at].sum()),
            unit="points of agreement, times how little the data change",
            moments=moments,
            members=grouped.members,
            by_moment=effects.worth,
            shown=at,
        )
        top = int(np.argmax(content.values))
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.names[top]),
                "y": fact(float(effects.lost[at, top])),
                "turns": fact("yes" if effects.turned[at, top] else "no"),
                "alike": fact(effects.alike),
                "m": fact(len(named_episodes(content, at))),
                "episode": fact(shown[0]),
                "step": fact(shown[1]),
            },
        )


@dataclass(frozen=True)
class _Grouped:
    members: Int[np.ndarray, " episodes"]
    described: Float[np.ndarray, "episodes numbers"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Effects:
    worth: Float[np.ndarray, "moments groups"]
    lost: Float[np.ndarray, "moments groups"]
    turned: np.ndarray
    alike: float


def _n_groups(task: Task) -> int:
    wanted = whole_number(task, "clusters")
    n_groups = max(2, min(N_GROUPS, len(task.episodes) // 2)) if wanted is None else wanted
    if wanted is not None and not 2 <= wanted <= MOST_GROUPS:
        raise InputError(f"the option clusters must be from 2 to {MOST_GROUPS}, got {wanted}")
    if n_groups >= len(task.episodes):
        raise DataError(
            f"{len(task.episodes)} episodes cannot be put into {n_groups} groups",
            hint="collect or read more episodes",
        )
    return n_groups


def _grouped(episodes: Episodes, space: object, n_groups: int) -> _Grouped:
    """Return episodes in groups of Ward's method, in the order of their first episodes."""
    described = np.stack(
        [
            np.concatenate(
                (
                    scaled_inputs(episodes, episode.observations[:-1]).mean(axis=0),
                    outputs_of_actions(episode.actions, space).mean(axis=0),
                )
            )
            for episode in episodes.used
        ]
    )
    found = fcluster(linkage(described, "ward"), n_groups, "maxclust")
    _, first, numbers = np.unique(found, return_index=True, return_inverse=True)
    members = np.argsort(np.argsort(first, kind="stable"), kind="stable")[numbers]
    names = []
    for group in range(len(first)):
        own = np.flatnonzero(members == group)
        apart = np.linalg.norm(described[own] - described[own].mean(axis=0), axis=1)
        typical = int(own[apart.argmin()])
        several = f"{len(own)} episodes like episode {typical}"
        names.append(several if len(own) > 1 else f"episode {typical} alone")
    return _Grouped(members.astype(np.int64), described, tuple(names))


def _effects(task: Task, grouped: _Grouped, moments: Int[np.ndarray, "moments 2"]) -> _Effects:
    """Return what taking each group out does to each decision of the clone."""
    space, n_groups = task.agent.action_space, len(grouped.names)
    decided = outputs_of_actions(decisions_at(task.agent, task.episodes, moments), space)
    clone = fit_clone(task.episodes, space)
    near = clone.similarities(task.episodes, moments)
    lost, turned, close = np.zeros((3, len(moments), n_groups))
    alike = np.zeros(len(moments), dtype=bool)
    for episode in np.unique(moments[:, 0]).tolist():
        rows = moments[:, 0] == episode

        def told(without: list[int], rows: np.ndarray = rows) -> tuple[np.ndarray, np.ndarray]:
            outputs = clone.outputs(near[rows], without)
            chosen = chosen_columns(outputs, space) == chosen_columns(decided[rows], space)
            return agreement(outputs, decided[rows], space, clone.ranges), chosen.all(axis=1)

        agreed, alike[rows] = told([episode])
        for group in range(n_groups):
            out = [*np.flatnonzero(grouped.members == group).tolist(), episode]
            left, still = told(out)
            lost[rows, group], turned[rows, group] = agreed - left, alike[rows] & ~still
        close[rows] = _closeness(grouped, episode)
    counted = np.where(turned.any(axis=1, keepdims=True), turned, 1.0)
    return _Effects(lost.clip(min=0.0) * close * counted, lost, turned > 0, 100.0 * alike.mean())


def _closeness(grouped: _Grouped, episode: int) -> Float[np.ndarray, " groups"]:
    """Return how little the data change without each group: 1 for the least, less for others."""
    others = np.arange(len(grouped.members)) != episode
    whole = grouped.described[others].mean(axis=0)
    changes = np.full(len(grouped.names), np.inf)
    for group in range(len(changes)):
        left = others & (grouped.members != group)
        if left.any() and left.sum() < others.sum():
            changes[group] = np.linalg.norm(grouped.described[left].mean(axis=0) - whole)
    least = changes.min()
    return np.asarray(np.where(changes > 0, least / np.where(changes > 0, changes, 1.0), 1.0))
