"""Searches for the smallest change of a state after which the agent takes another action."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context, is_empty, take
from pellucid.agents.flatten import flat, unflat
from pellucid.envs.rows import RowSpace
from pellucid.explainers.model.aims import Aims, aims_of, parts_taken
from pellucid.explanation import InputGroups, Task
from pellucid.explanation.swapping import group_changes, scaled_distances, swapped
from pellucid.kernels.smallest_change import change_cost, smallest_changes
from pellucid.kernels.smallest_swap import smallest_swaps, swap_cost
from pellucid.seeds import stream
from pellucid.types import Agent, Observations

N_TARGETS = 5
"""Logged states with the other action between which and the state a change is looked for."""
N_ASKED = 200
"""Logged states that are asked for their action within the context of a state, at most."""


@dataclass(frozen=True)
class Logged:
    """Visited states with the action that the agent takes in them.

    Args:
        rows: Rows of `visited`.
        observations: Shape (states, *observation).
        actions: Shape (states, parts), flattened.
    """

    rows: Int[np.ndarray, " states"]
    observations: Shaped[np.ndarray, "states *observation"]
    actions: Float[np.ndarray, "states parts"]


@dataclass(frozen=True)
class Found:
    """Changed states, before it was looked for ways to them.

    Args:
        rows: Shape (states,), rows of `visited`.
        states: Shape (states, *observation).
        changed: Shape (states, *observation), 64-bit and NaN where none was found.
        found: Shape (states,).
        aims: The other actions.
        units: Shape (inputs,), of each input's change.
        swapped: Shape (states, groups), groups that come from another state; empty if each input
            changes by itself.
        sources: Shape (states,), the row of `visited` of that state, -1 where none was found.
    """

    rows: Int[np.ndarray, " states"]
    states: Shaped[np.ndarray, "states *observation"]
    changed: Float[np.ndarray, "states *observation"]
    found: Bool[np.ndarray, " states"]
    aims: Aims
    units: Float[np.ndarray, " inputs"]
    swapped: Bool[np.ndarray, "states groups"]
    sources: Int[np.ndarray, " states"]

    @property
    def sizes(self) -> Float[np.ndarray, " states"]:
        """How far each changed state is, in units; NaN where none was found."""
        sizes = scaled_distances(self.changed, self.states, self.units)
        return np.where(self.found, sizes, np.nan)


def search_cost(task: Task, groups: InputGroups) -> int:
    """Return the most queries that the search for the change of one state takes."""
    own = 2
    asked = 0 if is_empty(task.episodes.visited_context) else N_ASKED
    n = len(groups)
    return own + asked + (change_cost if groups.are_inputs else swap_cost)(n, N_TARGETS)


def logged_actions(task: Task, n: int) -> Logged:
    """Return `n` visited states, drawn by lot, and what the agent does in them."""
    visited = task.episodes.visited
    rng = stream(task.seed, "changed-state", "candidates")
    rows = np.sort(rng.choice(len(visited), size=n, replace=False))
    return Logged(rows, visited[rows], actions_at(task, rows, visited[rows]))


def actions_at(
    task: Task, rows: Int[np.ndarray, " rows"], observations: Observations
) -> Float[np.ndarray, "rows parts"]:
    """Return the flattened most-likely actions.

    Args:
        task: The agent.
        rows: Rows of `visited` in whose context it is asked, one for each observation or for all.
        observations: Shape (rows, *observation).
    """
    agent: Agent = in_context(task.agent, take(task.episodes.visited_context, rows))
    return parts_taken(agent, choose_actions(agent, observations, "greedy", ()))


def change_states(
    task: Task,
    logged: Logged,
    rows: Int[np.ndarray, " states"],
    groups: InputGroups,
    units: Float[np.ndarray, " inputs"],
) -> Found:
    """Return the smallest change found of each state after which the agent acts otherwise.

    What it remembers and what is allowed in a state is held.

    Args:
        task: The agent, and which other action is asked for.
        logged: States between which and these a change is looked for.
        rows: Shape (states,), rows of `visited`.
        groups: Of inputs; those of one input each are changed by degrees, larger ones are taken
            over from a logged state.
        units: Shape (inputs,), of each input's change.

    Raises:
        InputError: What is asked for is no action.
        CapabilityError: The agent makes one choice only, or never the one asked for.
    """
    states = task.episodes.visited[rows]
    own = actions_at(task, rows, states)
    context = take(task.episodes.visited_context, rows)
    aims = aims_of(task, logged.actions, states, context, own)
    changed = np.full(states.shape, np.nan)
    n_groups = 0 if groups.are_inputs else len(groups)
    taken, sources = np.zeros((len(rows), n_groups), dtype=bool), np.full(len(rows), -1)
    behind = groups.behind(task.episodes.visited)
    for number, row in enumerate(rows):
        # where the other action is taken already there is nothing to change
        if aims.exists[number]:
            search = _Search(task, logged, int(row), aims, number, groups, units, behind)
            if groups.are_inputs:
                changed[number] = _by_degrees(search)
            else:
                changed[number], taken[number], sources[number] = _taken_over(search)
        task.progress((number + 1) / (2 * len(rows)))
    found = np.asarray(~np.isnan(changed.reshape(len(changed), -1)).any(axis=1))
    return Found(rows, states, changed, found, aims, units, taken, sources)


# --- one state ---


@dataclass(frozen=True)
class _Search:
    task: Task
    logged: Logged
    row: int
    aims: Aims
    number: int
    groups: InputGroups
    units: Float[np.ndarray, " inputs"]
    behind: Shaped[np.ndarray, " inputs"] | None

    @property
    def state(self) -> Shaped[np.ndarray, " *observation"]:
        return np.asarray(self.task.episodes.visited[self.row])

    def is_met(self, observations: Observations) -> Bool[np.ndarray, " rows"]:
        """Return where the agent takes the other action, in the context of the state."""
        if not len(observations):
            return np.zeros(0, dtype=bool)
        actions = actions_at(self.task, np.array([self.row]), observations)
        return self.aims.are_met(self.number, actions)

    def targets(self) -> Int[np.ndarray, " targets"]:
        """Return the nearest logged states in which the agent takes the other action."""
        logged = self.logged
        distances = scaled_distances(logged.observations, self.state, self.units)
        order = np.argsort(distances, kind="stable")
        if is_empty(self.task.episodes.visited_context):
            met = self.aims.are_met(self.number, logged.actions[order])
            return np.asarray(order[met][:N_TARGETS])
        # what it does in their own context says little of what it does in that of the state
        order = order[distances[order] > 0][:N_ASKED]
        return np.asarray(order[self.is_met(logged.observations[order])][:N_TARGETS])


def _by_degrees(search: _Search) -> Float[np.ndarray, "*observation"]:
    """Return the smallest change of single inputs; NaN if there is none."""
    space, state = search.task.agent.observation_space, search.state
    ends = search.targets()
    if not len(ends):
        return np.full(state.shape, np.nan)
    inputs = flat(state[None])[0]
    changes = smallest_changes(
        lambda rows: search.is_met(unflat(rows, space)),
        inputs,
        flat(search.logged.observations[ends]),
        search.units,
        whole_inputs(space, state.dtype),
    )
    nearest = scaled_distances(changes, inputs, search.units).argmin()
    return np.asarray(changes[nearest].reshape(state.shape))


def _taken_over(
    search: _Search,
) -> tuple[Float[np.ndarray, "*observation"], Bool[np.ndarray, " groups"], int]:
    """Return the change that takes over the fewest groups, which ones, and from which row."""
    state, groups = search.state, search.groups
    ends = search.targets()
    nothing = np.full(state.shape, np.nan), np.zeros(len(groups), dtype=bool), -1
    if not len(ends):
        return nothing
    others = search.logged.observations[ends]

    def made(mask: Bool[np.ndarray, " groups"], target: int) -> Observations:
        return swapped(state, others[target], mask[None], groups, search.behind)

    def is_met(
        masks: Bool[np.ndarray, "rows groups"], targets: Int[np.ndarray, " rows"]
    ) -> Bool[np.ndarray, " rows"]:
        if not len(masks):
            return np.zeros(0, dtype=bool)
        return search.is_met(np.concatenate(list(map(made, masks, targets.tolist()))))

    changes = group_changes(state, others, groups, search.units)
    masks = smallest_swaps(is_met, changes)
    counts = np.where(masks.any(axis=1), masks.sum(axis=1), len(groups) + 1)
    best = int(np.lexsort(((changes * masks).sum(axis=1), counts))[0])
    if not masks[best].any():
        return nothing
    source = int(search.logged.rows[ends[best]])
    return made(masks[best], best)[0].astype(np.float64), masks[best], source


def whole_inputs(space: object, dtype: np.dtype[np.generic]) -> Bool[np.ndarray, " inputs"]:
    """Return which inputs are whole numbers, also among those of a row of many parts."""
    if not isinstance(space, RowSpace):
        n_inputs = int(np.prod(space.shape or ()))  # type: ignore[attr-defined]
        return np.full(n_inputs, dtype.kind in "iu")
    whole = np.zeros(space.shape, dtype=bool)
    for part in space.parts:
        kind = getattr(part.space, "dtype", None)
        whole[part.columns] = kind is None or np.dtype(kind).kind in "iu"
    return whole
