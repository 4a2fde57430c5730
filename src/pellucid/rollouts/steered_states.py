"""What an agent does in recorded states once a hidden layer of its network is moved."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.acting import preference_unit, preferences
from pellucid.agents.hidden_layers import HiddenLayers
from pellucid.agents.outputs import action_parts, outputs_of_actions
from pellucid.agents.steered import steered
from pellucid.rollouts.clones import observations_at, recorded_at
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.logs import evenly
from pellucid.types import Agent

POINTS, OF_RANGE = "percentage points", "% of its range"
"""Units of `points_of`: of choices, and of actions that are quantities alone."""


def points_of(
    agent: Agent,
    outputs: Float[np.ndarray, "rows outputs"],
    widths: Float[np.ndarray, " outputs"],
) -> Float[np.ndarray, "rows outputs"]:
    """Return preferences on one scale for every kind of action.

    The probability of a choice in percent; of Q-values 100 for the largest, so that a mean over
    states is the percentage of them in which it is chosen; a quantity in percent of its range.

    Args:
        agent: Tells what the outputs are.
        outputs: Shape (rows, outputs), its preferences.
        widths: Shape (outputs,), range of each quantity; 1 for choices.
    """
    if preference_unit(agent) == "Q-value":
        return np.asarray(100.0 * np.eye(outputs.shape[1])[outputs.argmax(axis=1)])
    return np.asarray(100.0 * outputs / widths)


def unit_of_points(space: Any) -> str:
    """Return the unit of `points_of` for an action space."""
    kinds = {part.kind for part in action_parts(space)}
    return OF_RANGE if kinds == {"quantity"} else POINTS


@dataclass(frozen=True)
class SteeredStates:
    """Some recorded states of an agent that can be steered.

    Args:
        layers: Its hidden layers; they pay.
        observations: Shape (states, *observation).
        episodes: Shape (states,), position of the episode of each.
        widths: As `points_of` takes them.
        before: Shape (states, outputs), points without a change.
    """

    layers: HiddenLayers
    observations: np.ndarray
    episodes: Int[np.ndarray, " states"]
    widths: Float[np.ndarray, " outputs"]
    before: Float[np.ndarray, "states outputs"]

    def shifts(
        self, layer: int, change: Float[np.ndarray, " units"]
    ) -> Float[np.ndarray, "episodes outputs"]:
        """Return by how many points each output moves, the mean over the states of each episode.

        One query per state.

        Args:
            layer: Which hidden layer is moved, from 0.
            change: Shape (units,), what is added to it.
        """
        agent = steered(self.layers, layer, change)
        after = points_of(agent, preferences(agent, self.observations), self.widths)
        moved = after - self.before
        return np.array([moved[self.episodes == e].mean(axis=0) for e in np.unique(self.episodes)])

    def contrast(
        self, layer: int, step: Float[np.ndarray, " units"]
    ) -> Float[np.ndarray, "episodes outputs"]:
        """Return by how many points each output moves from one step back to one step on.

        Two queries per state.
        """
        return np.asarray(self.shifts(layer, step) - self.shifts(layer, -step))


def steered_states(
    layers: HiddenLayers, agent: Agent, episodes: Episodes, steps: Int[np.ndarray, "states 2"]
) -> SteeredStates:
    """Return recorded states, asked once as they are: one query per state.

    Args:
        layers: Of the agent.
        agent: The agent itself, on the same meters.
        episodes: Recorded ones.
        steps: Shape (states, 2), position of the episode and step, sorted by episode.
    """
    seen = observations_at(episodes, steps)
    widths = output_widths(agent.action_space, episodes)
    before = points_of(agent, preferences(agent, seen), widths)
    return SteeredStates(layers, seen, steps[:, 0], widths, before)


def output_widths(space: Any, episodes: Episodes) -> Float[np.ndarray, " outputs"]:
    """Return the range of each output that is a quantity, and 1 for choices.

    The bounds of the space; without them what was recorded, 1 if that never varies.
    """
    parts = action_parts(space)
    widths = np.ones(parts[-1].first + parts[-1].n_outputs if parts else 0)
    if all(part.kind == "choice" for part in parts):
        return widths
    told = outputs_of_actions(recorded_at(episodes, episodes.visited_steps), space)
    for part in parts:
        if part.kind == "quantity":
            width = part.high - part.low
            recorded = float(np.ptp(told[:, part.first])) or 1.0
            widths[part.first] = width if np.isfinite(width) and width > 0 else recorded
    return widths


def most_moved(contrasts: Float[np.ndarray, "episodes outputs"]) -> tuple[int, bool]:
    """Return the output that moves most in the mean over episodes, and whether it rises.

    Of outputs that move alike, one that rises, as of two actions always one does.

    Example:
        >>> most_moved(np.array([[1.0, -2.0], [1.0, -4.0]]))
        (1, False)
    """
    mean = contrasts.mean(axis=0)
    most = np.flatnonzero(np.isclose(np.abs(mean), np.abs(mean).max()))
    output = int(most[mean[most].argmax()])
    return output, bool(mean[output] >= 0)


def picked_among(steps: Int[np.ndarray, "states 2"], n_states: int) -> Int[np.ndarray, "picked 2"]:
    """Return so many of some states at most, evenly spread over all of them."""
    return steps[evenly(len(steps), n_states)]
