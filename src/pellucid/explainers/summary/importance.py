"""How much a moment matters to an agent, by what the agent itself can tell."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import predicted_return, preference_unit, preferences
from pellucid.agents.context import in_context
from pellucid.agents.outputs import PER_PART, action_parts, is_one_choice
from pellucid.errors import CapabilityError
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Agent

LEAST_PROBABILITY = 1e-6
"""Probabilities below count as this: an action that is never taken decides nothing more."""


class Importance(NamedTuple):
    """A way to tell how much each visited state matters.

    Args:
        name: In words.
        measure: Maps an agent and its episodes to one number, not negative, per visited state.
    """

    name: str
    measure: Callable[[Agent, Episodes], Float[np.ndarray, " states"]]


def importance_for(agent: Agent) -> Importance:
    """Return the first way that an agent offers what is needed for.

    The spread of Q-values over actions (Amir 2018); else that of the logarithms of action
    probabilities, which are Q-values up to scale for an agent that is as random as it is unsure;
    else by how much the predicted return changes with the step that follows.

    Raises:
        CapabilityError: It has none of the three.
    """
    try:
        unit = preference_unit(agent)
    except CapabilityError:
        unit = ""
    if unit == "Q-value":
        return Importance("spread of its Q-values over actions", _spread)
    if unit.removesuffix(PER_PART) == "probability":
        return Importance("spread of the log-probabilities of its actions", _log_spread)
    if "value" in agent.capabilities:
        return Importance("change of its predicted return in one step", _change_of_value)
    raise CapabilityError(
        f"{agent.name} has neither Q-values, nor probabilities of several actions, nor a value",
        hint="use critical-steps, which needs the environment only",
    )


def _spread(agent: Agent, episodes: Episodes) -> Float[np.ndarray, " states"]:
    return _range(
        preferences(in_context(agent, episodes.visited_context), episodes.visited), episodes
    )


def _log_spread(agent: Agent, episodes: Episodes) -> Float[np.ndarray, " states"]:
    chances = preferences(in_context(agent, episodes.visited_context), episodes.visited)
    logs = np.log(np.maximum(chances, LEAST_PROBABILITY))
    if is_one_choice(agent.action_space):
        return _range(logs, episodes)
    # the likeliest action against the least likely: parts are independent, and their logarithms add
    spreads = [np.ptp(logs[:, p.columns], axis=1) for p in action_parts(agent.action_space)]
    return np.asarray(np.sum(spreads, axis=0))


def _range(
    values: Float[np.ndarray, "states actions"], episodes: Episodes
) -> Float[np.ndarray, " states"]:
    """Return the largest minus the smallest value, over the actions that were allowed."""
    masks = episodes.visited_context.masks
    allowed = np.ones(values.shape, dtype=bool) if masks is None else masks
    highest = values.max(axis=1, where=allowed, initial=-np.inf)
    return np.asarray(highest - values.min(axis=1, where=allowed, initial=np.inf))


def _change_of_value(agent: Agent, episodes: Episodes) -> Float[np.ndarray, " states"]:
    agent = in_context(agent, episodes.visited_context)
    values = predicted_return(agent, episodes.visited)[:, 0]
    parts = np.split(values, np.cumsum([len(episode) for episode in episodes.used])[:-1])
    # the last step of an episode leads to no other state that was visited
    changes = [np.append(np.abs(np.diff(part)), 0.0) for part in parts]
    return np.concatenate(changes)
