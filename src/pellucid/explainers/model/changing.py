"""Searches for the smallest change of a state that flips the agent's choice."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.agents.acting import choose_actions, preference_unit, preferences
from pellucid.agents.flatten import flat, unflat
from pellucid.errors import CapabilityError
from pellucid.explanation import Task
from pellucid.explanation.options import whole_number
from pellucid.kernels.smallest_change import smallest_changes
from pellucid.seeds import stream

N_TARGETS = 5
"""Logged states with the other action between which and the state a change is looked for."""


@dataclass(frozen=True)
class Logged:
    """Visited states with the choice that the agent makes in them."""

    inputs: Float[np.ndarray, "states inputs"]
    choices: Int[np.ndarray, " states"]


@dataclass(frozen=True)
class Found:
    """Changed states, before it was looked for ways to them.

    Args:
        rows: Shape (states,), rows of `visited`.
        states: Shape (states, inputs).
        changed: Shape (states, inputs), NaN where none was found.
        found: Shape (states,).
        chosen: Shape (states,), the choice before.
        wanted: Shape (states,), the choice after.
        scales: Shape (inputs,).
    """

    rows: Int[np.ndarray, " states"]
    states: Float[np.ndarray, "states inputs"]
    changed: Float[np.ndarray, "states inputs"]
    found: Bool[np.ndarray, " states"]
    chosen: Int[np.ndarray, " states"]
    wanted: Int[np.ndarray, " states"]
    scales: Float[np.ndarray, " inputs"]


def logged_choices(task: Task, n: int) -> Logged:
    """Return `n` visited states, drawn by lot, and what the agent chooses in them."""
    visited = task.episodes.visited
    rng = stream(task.seed, "changed-state", "candidates")
    rows = np.sort(rng.choice(len(visited), size=n, replace=False))
    return Logged(flat(visited[rows]), choices_of(task, flat(visited[rows])))


def choices_of(task: Task, inputs: Float[np.ndarray, "rows inputs"]) -> Int[np.ndarray, " rows"]:
    """Return the number of the most likely action in each state, from 0."""
    space = task.agent.action_space
    observations = unflat(inputs, task.agent.observation_space)
    actions = choose_actions(task.agent, observations, "greedy", ())
    return np.asarray(actions, dtype=np.int64) - int(space.start)


def change_states(task: Task, logged: Logged, rows: Int[np.ndarray, " states"]) -> Found:
    """Return the smallest change found of each state after which the agent chooses otherwise.

    Args:
        task: The agent, and which other choice is asked for.
        logged: States between which and these a change is looked for.
        rows: Shape (states,), rows of `visited`.

    Raises:
        CapabilityError: The agent makes one choice only, or is never seen to make the one asked
            for.
    """
    visited = task.episodes.visited
    states = flat(visited[rows])
    chosen = choices_of(task, states)
    wanted = _wanted(task, logged, rows, chosen)
    scales = flat(visited).std(axis=0)
    whole = np.full(states.shape[1], visited.dtype.kind in "iu")
    changed = np.full_like(states, np.nan)
    for number, state in enumerate(states):
        # where the other choice is made already there is nothing to change
        if wanted[number] != chosen[number]:
            change = _smallest(task, logged, state, int(wanted[number]), scales, whole)
            if change is not None:
                changed[number] = change
        task.progress((number + 1) / (2 * len(states)))
    found = ~np.isnan(changed).any(axis=1)
    return Found(rows, states, changed, found, chosen, wanted, scales)


def _wanted(
    task: Task,
    logged: Logged,
    rows: Int[np.ndarray, " states"],
    chosen: Int[np.ndarray, " states"],
) -> Int[np.ndarray, " states"]:
    """Return the other choice of each state: the one asked for, else the second one it makes.

    Raises:
        CapabilityError: The agent makes one choice only, or is never seen to make the one asked
            for.
    """
    space = task.agent.action_space
    ever = np.unique(logged.choices)
    foil = whole_number(task, "foil")
    if foil is not None:
        number = foil - int(space.start)
        if number not in ever:
            raise CapabilityError(
                f"it does not choose {foil} in any of {len(logged.choices)} visited states, so "
                "there is no state to change towards",
                hint="another action, or more episodes",
            )
        return np.full(len(rows), number, dtype=np.int64)
    if len(ever) < 2:
        raise CapabilityError(
            f"it makes the same choice in all of {len(logged.choices)} visited states",
            hint="an agent that makes two choices or more, or more episodes",
        )
    if preference_unit(task.agent) == "choice":
        return _commonest_other(logged, ever, chosen)
    scores = preferences(task.agent, task.episodes.visited[rows]).copy()
    scores[np.arange(len(rows)), chosen] = -np.inf
    scores[:, np.setdiff1d(np.arange(scores.shape[1]), ever)] = -np.inf
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def _commonest_other(
    logged: Logged, ever: Int[np.ndarray, " choices"], chosen: Int[np.ndarray, " states"]
) -> Int[np.ndarray, " states"]:
    counts = np.array([(logged.choices == choice).sum() for choice in ever])
    by_count = ever[np.argsort(-counts, kind="stable")]
    return np.asarray(np.where(chosen == by_count[0], by_count[1], by_count[0]))


def _smallest(
    task: Task,
    logged: Logged,
    state: Float[np.ndarray, " inputs"],
    wanted: int,
    scales: Float[np.ndarray, " inputs"],
    whole: Bool[np.ndarray, " inputs"],
) -> Float[np.ndarray, " inputs"] | None:
    """Return the smallest change of one state; None if there is none."""
    ends = logged.inputs[logged.choices == wanted]
    if not len(ends):
        return None
    distances = scaled_distances(ends, state, scales)
    targets = ends[np.argsort(distances, kind="stable")[:N_TARGETS]]
    changes = smallest_changes(
        lambda rows: choices_of(task, rows) == wanted, state, targets, scales, whole
    )
    return np.asarray(changes[scaled_distances(changes, state, scales).argmin()])


def scaled_distances(
    rows: Float[np.ndarray, "rows inputs"],
    state: Float[np.ndarray, "*rows inputs"],
    scales: Float[np.ndarray, " inputs"],
) -> Float[np.ndarray, " rows"]:
    """Return sums of differences in units of the scales; inputs without one do not count."""
    return np.asarray((np.abs(rows - state)[..., scales > 0] / scales[scales > 0]).sum(axis=-1))
