"""What each action makes of each input, and what follows for the reward, as a graph with equations.

An input's change in one step depends, under each action by itself, on some inputs before it; the
parts of the reward depend on some inputs after the step, and on how these moved.

Source: Madumal 2020 (action influence models), with the graph learned in place of given.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.kernels.structural_equations import (
    ALWAYS,
    Effects,
    Moments,
    chosen_groups,
    effects,
    fitted,
    moments,
)

LEAST_ROWS = 30
"""Steps with an action below which it gets no equations."""
MOST_LINKS = 4
"""Inputs on a chain at most."""
LEAST_MOVED = 0.05
"""Least difference that an action makes to an input for a chain to start there, in standard
deviations of the input's change in a step."""


@dataclass(frozen=True)
class Steps:
    """Steps of an environment.

    Args:
        before: Shape (rows, inputs).
        actions: Shape (rows,), from 0.
        after: Shape (rows, inputs).
        rewards: Shape (rows, sinks), the parts of the reward.
        units: Shape (rows,), the episode of each.
    """

    before: Float[np.ndarray, "rows inputs"]
    actions: Int[np.ndarray, " rows"]
    after: Float[np.ndarray, "rows inputs"]
    rewards: Float[np.ndarray, "rows sinks"]
    units: Int[np.ndarray, " rows"]


@dataclass(frozen=True)
class Parents:
    """The edges of the graph.

    Args:
        inputs: Shape (actions, inputs, inputs), from row to the change of column, by action.
        sinks: Shape (inputs, sinks), from an input after a step to a part of its reward.
        known: Shape (actions,), which actions occurred often enough to tell.
    """

    inputs: Bool[np.ndarray, "actions inputs inputs"]
    sinks: Bool[np.ndarray, "inputs sinks"]
    known: Bool[np.ndarray, " actions"]


@dataclass(frozen=True)
class Scales:
    """How inputs are made comparable.

    Args:
        means: Shape (inputs,).
        widths: Shape (inputs,), standard deviations; 0 for an input that never varies.
        bends: Shape (inputs,), where the slope may change: 0 if an input has both signs, else its
            median.
        levels: Shape (inputs,), mean distance from the bend in widths.
        bent: Shape (inputs,), whether that distance is more than the input itself.
    """

    means: Float[np.ndarray, " inputs"]
    widths: Float[np.ndarray, " inputs"]
    bends: Float[np.ndarray, " inputs"]
    levels: Float[np.ndarray, " inputs"]
    bent: Bool[np.ndarray, " inputs"]

    def straight(self, rows: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "rows inputs"]:
        """Return inputs in standard deviations from their means."""
        return np.where(self.widths > 0, (rows - self.means) / self._safe, 0.0)

    def folded(self, rows: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "rows inputs"]:
        """Return distances from the bend in standard deviations, around their means."""
        distance = np.abs(rows - self.bends) / self._safe - self.levels
        return np.where(self.bent, distance, 0.0)

    @property
    def _safe(self) -> Float[np.ndarray, " inputs"]:
        return np.where(self.widths > 0, self.widths, 1.0)


@dataclass(frozen=True)
class InfluenceModel:
    """The equations of a graph.

    Args:
        scales: Of the inputs.
        inputs: Shape (actions, 1 + 2 inputs, inputs), weights of the changes.
        sinks: Shape (actions + 4 inputs, sinks), weights of the parts of the reward.
    """

    scales: Scales
    inputs: Float[np.ndarray, "actions columns inputs"]
    sinks: Float[np.ndarray, "columns sinks"]

    def changes(
        self, before: Float[np.ndarray, "rows inputs"], actions: Int[np.ndarray, " rows"]
    ) -> Float[np.ndarray, "rows inputs"]:
        """Return how much each input changes in a step."""
        columns = _state_columns(self.scales, before)
        return np.asarray(np.einsum("rc,rci->ri", columns, self.inputs[actions]))

    def rewards(
        self,
        before: Float[np.ndarray, "rows inputs"],
        actions: Int[np.ndarray, " rows"],
        after: Float[np.ndarray, "rows inputs"],
    ) -> Float[np.ndarray, "rows sinks"]:
        """Return the parts of the reward of a step."""
        columns = _step_columns(self.scales, before, actions, after, len(self.inputs))
        return np.asarray(columns @ self.sinks)


@dataclass(frozen=True)
class InfluenceEffects:
    """How strong each edge is.

    Args:
        inputs: One per action, of inputs on changes of inputs.
        sinks: Of inputs on parts of the reward.
    """

    inputs: tuple[Effects, ...]
    sinks: Effects


def scales_of(rows: Float[np.ndarray, "rows inputs"]) -> Scales:
    """Return the scales of some rows of inputs."""
    means, widths = rows.mean(axis=0), rows.std(axis=0)
    # what differs in the last bits only does not vary
    widths = np.where(widths > 1e-9 * np.maximum(np.abs(means), 1e-300), widths, 0.0)
    both = (rows.min(axis=0) < 0) & (rows.max(axis=0) > 0)
    bends = np.where(both, 0.0, np.median(rows, axis=0))
    safe = np.where(widths > 0, widths, 1.0)
    distance = np.abs(rows - bends) / safe
    levels, straight = distance.mean(axis=0), (rows - means) / safe
    centred = distance - levels
    spread = np.sqrt((centred**2).mean(axis=0))
    alike = np.abs((centred * straight).mean(axis=0)) > 0.999 * spread
    return Scales(means, widths, bends, levels, (widths > 0) & (spread > 1e-9) & ~alike)


def learned_parents(steps: Steps, n_actions: int, scales: Scales) -> Parents:
    """Return the graph that some steps show; see `structural_equations.chosen_groups`."""
    n_inputs = steps.before.shape[1]
    known = np.bincount(steps.actions, minlength=n_actions) >= max(LEAST_ROWS, 4 * n_inputs)
    inputs = np.zeros((n_actions, n_inputs, n_inputs), dtype=bool)
    for action in np.flatnonzero(known):
        sums = _input_moments(steps, int(action), scales)
        inputs[action] = chosen_groups(sums, _state_groups(n_inputs))
    sinks = chosen_groups(
        _sink_moments(steps, n_actions, scales), _step_groups(n_actions, n_inputs)
    )
    return Parents(inputs, sinks, known)


def fit_influence(steps: Steps, parents: Parents, scales: Scales) -> InfluenceModel:
    """Return the equations of a graph, fitted to some steps by least squares.

    An action without steps leaves everything as it is.
    """
    n_actions, n_inputs, _ = parents.inputs.shape
    inputs = np.zeros((n_actions, 1 + 2 * n_inputs, n_inputs))
    for action in np.unique(steps.actions):
        sums = _input_moments(steps, int(action), scales)
        inputs[action] = fitted(sums, _state_groups(n_inputs), parents.inputs[action])
    sums = _sink_moments(steps, n_actions, scales)
    sinks = fitted(sums, _step_groups(n_actions, n_inputs), parents.sinks)
    return InfluenceModel(scales, inputs, sinks)


def influence_effects(
    steps: Steps, parents: Parents, scales: Scales, rng: np.random.Generator
) -> InfluenceEffects:
    """Return how strong each edge of a graph is, with intervals over episodes drawn anew."""
    n_actions, n_inputs, _ = parents.inputs.shape
    nothing = np.zeros((n_inputs, n_inputs))
    unknown = Effects(nothing, np.full_like(nothing, np.nan), np.full_like(nothing, np.nan))
    by_action = tuple(
        effects(
            _input_moments(steps, action, scales),
            _state_groups(n_inputs),
            parents.inputs[action],
            rng,
        )
        if parents.known[action]
        else unknown
        for action in range(n_actions)
    )
    sinks = effects(
        _sink_moments(steps, n_actions, scales),
        _step_groups(n_actions, n_inputs),
        parents.sinks,
        rng,
    )
    return InfluenceEffects(by_action, sinks)


def strongest_chain(
    heads: Float[np.ndarray, " inputs"],
    links: Float[np.ndarray, "inputs inputs"],
    sinks: Float[np.ndarray, "inputs sinks"],
) -> tuple[int, ...]:
    """Return the chain from what an action moves to a part of the reward whose product is largest.

    Args:
        heads: Shape (inputs,), how much the action moves each input, not negative; those below
            `LEAST_MOVED` start no chain.
        links: Shape (inputs, inputs), strength of each edge from row to column, not negative.
        sinks: Shape (inputs, sinks), strength of each edge to a part of the reward.

    Returns:
        Inputs in order, then the number of inputs plus that of the part; empty if there is none.

    Example:
        >>> links, sinks = np.array([[0.0, 0.5], [0.0, 0.0]]), np.array([[0.0], [1.0]])
        >>> strongest_chain(np.array([1.0, 0.0]), links, sinks)
        (0, 1, 2)
    """
    n_inputs = len(heads)
    strength = np.where(heads >= LEAST_MOVED, heads, 0.0)
    chains: list[tuple[int, ...]] = [(i,) for i in range(n_inputs)]
    best, found = 0.0, tuple[int, ...]()
    between = links * (1.0 - np.eye(n_inputs))
    for _ in range(MOST_LINKS):
        reached = strength[:, None] * sinks
        if reached.size and reached.max() > best:
            last, sink = np.unravel_index(int(reached.argmax()), reached.shape)
            best, found = float(reached.max()), (*chains[int(last)], n_inputs + int(sink))
        onward = strength[:, None] * between
        previous = onward.argmax(axis=0)
        longer = [(*chains[int(p)], i) for i, p in enumerate(previous)]
        fresh = np.array([len(set(chain)) == len(chain) for chain in longer], dtype=bool)
        strength = np.where(fresh, onward.max(axis=0, initial=0.0), 0.0)
        chains = longer
    return found


# --- columns ---


def _input_moments(steps: Steps, action: int, scales: Scales) -> Moments:
    own = steps.actions == action
    before = steps.before[own]
    return moments(_state_columns(scales, before), _changes(steps, own, scales), steps.units[own])


def _changes(
    steps: Steps, own: Bool[np.ndarray, " rows"], scales: Scales
) -> Float[np.ndarray, "rows inputs"]:
    change = steps.after[own] - steps.before[own]
    return np.where(scales.widths > 0, change, 0.0)


def _sink_moments(steps: Steps, n_actions: int, scales: Scales) -> Moments:
    columns = _step_columns(scales, steps.before, steps.actions, steps.after, n_actions)
    return moments(columns, steps.rewards, steps.units)


def _state_columns(
    scales: Scales, before: Float[np.ndarray, "rows inputs"]
) -> Float[np.ndarray, "rows columns"]:
    ones = np.ones((len(before), 1))
    return np.concatenate((ones, scales.straight(before), scales.folded(before)), axis=1)


def _state_groups(n_inputs: int) -> Int[np.ndarray, " columns"]:
    return np.array([ALWAYS, *(2 * list(range(n_inputs)))], dtype=np.int64)


def _step_columns(
    scales: Scales,
    before: Float[np.ndarray, "rows inputs"],
    actions: Int[np.ndarray, " rows"],
    after: Float[np.ndarray, "rows inputs"],
    n_actions: int,
) -> Float[np.ndarray, "rows columns"]:
    own = np.eye(n_actions)[actions]
    straight, folded = scales.straight(after), scales.folded(after)
    moved = straight - scales.straight(before)
    return np.concatenate((own, straight, folded, moved, folded - scales.folded(before)), axis=1)


def _step_groups(n_actions: int, n_inputs: int) -> Int[np.ndarray, " columns"]:
    return np.array([ALWAYS] * n_actions + 4 * list(range(n_inputs)), dtype=np.int64)
