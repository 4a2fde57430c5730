"""Concepts that a network may hold: what is true of a state or not, from what is known of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.agents.acting import predicted_return
from pellucid.agents.flatten import flat, n_inputs
from pellucid.errors import DataError, InputError
from pellucid.explanation import Task
from pellucid.rollouts.episodes import Episodes

MOST_INPUTS = 12
"""Inputs up to which each is a concept: images have too many, and few of them mean something."""
LEAST_RATE = 0.1
"""Share of states in which a concept must be true, and in which it must be false."""
OPTION = "functions from observations to true or false, by name, in place of the usual concepts"


def concepts_of(
    task: Task, steps: Int[np.ndarray, "states 2"], observations: np.ndarray
) -> dict[str, Bool[np.ndarray, " states"]]:
    """Return what is true in some states, by concept, without those that hardly ever vary.

    Those of the option `concepts`; else each input above its median (up to 12 inputs), the value
    above its median if the agent predicts one, each reward term that is paid, and whether the
    episode is in its last quarter. The value costs one query per state.

    Raises:
        InputError: The option is no mapping from names to functions, or one answers otherwise.
        DataError: No concept varies enough.
    """
    asked = task.options.get("concepts")
    if asked is not None:
        found = _given(asked, observations)
    else:
        found = _of_inputs(task.episodes, observations)
        if predicts(task):
            values = predicted_return(task.agent, observations)[:, 0]
            found["its predicted return is high"] = values > np.median(values)
        found |= _of_rewards(task.episodes, steps)
        found["the end is near"] = _last_quarter(task.episodes, steps)
    varied = {n: v for n, v in found.items() if LEAST_RATE <= v.mean() <= 1 - LEAST_RATE}
    if not varied:
        raise DataError(
            "no concept is true in some states and false in others",
            hint="episodes that vary more, or the option concepts",
        )
    return varied


def predicts(task: Task) -> bool:
    """Whether the value is among the usual concepts of an agent."""
    return task.options.get("concepts") is None and bool(
        {"value", "q_values"} & task.agent.capabilities
    )


def most_concepts(task: Task) -> int:
    """Return how many concepts there are at most, without asking the agent."""
    asked = task.options.get("concepts")
    if asked is not None:
        return len(asked) if isinstance(asked, Mapping) else 1
    inputs = n_inputs(task.agent.observation_space)
    terms = {name for episode in task.episodes.used for name in episode.terms}
    return (inputs if inputs <= MOST_INPUTS else 0) + predicts(task) + len(terms) + 1


def _given(asked: Any, observations: np.ndarray) -> dict[str, np.ndarray]:
    if not isinstance(asked, Mapping) or not asked:
        raise InputError(
            f"the option concepts must be a mapping from names to functions, got {asked!r:.60}"
        )
    found = {}
    for name, holds in asked.items():
        if not callable(holds):
            raise InputError(f"the concept {name!r:.40} must be a function, got {holds!r:.40}")
        values = np.asarray(holds(observations))
        if values.shape != (len(observations),):
            raise InputError(
                f"the concept {name!r:.40} must answer once per observation: expected shape "
                f"({len(observations)},), got {values.shape}"
            )
        found[str(name)] = values.astype(bool)
    return found


def _of_inputs(episodes: Episodes, observations: np.ndarray) -> dict[str, np.ndarray]:
    rows: Float[np.ndarray, "states inputs"] = flat(observations)
    if rows.shape[1] > MOST_INPUTS:
        return {}
    middle = np.median(rows, axis=0)
    return {
        f"{name} is high": rows[:, i] > middle[i] for i, name in enumerate(episodes.names.inputs)
    }


def _of_rewards(episodes: Episodes, steps: Int[np.ndarray, "states 2"]) -> dict[str, np.ndarray]:
    names = sorted(set.intersection(*(set(e.terms) for e in episodes.used)))
    return {
        f"{name} is paid": np.array([episodes[int(e)].terms[name][int(t)] != 0 for e, t in steps])
        for name in names
    }


def _last_quarter(episodes: Episodes, steps: Int[np.ndarray, "states 2"]) -> np.ndarray:
    lengths = np.array([len(episode) for episode in episodes.used])
    return np.asarray(steps[:, 1] >= 0.75 * lengths[steps[:, 0]])
