"""What makes two states alike for an agent: their inputs, its choices in them, and its value."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.acting import predicted_return, preferences
from pellucid.agents.context import in_context, stacked
from pellucid.agents.flatten import flat
from pellucid.agents.metering import unmetered
from pellucid.agents.outputs import outputs_of_actions
from pellucid.agents.recorded import RecordedAgent
from pellucid.explanation import Task
from pellucid.rollouts.episodes import Episode

RESTARTS = 10
"""Runs of k-means from other centres, of which the best is kept."""
FORECASTS = frozenset({"value", "q_values"})


def queries_per_state(task: Task) -> int:
    """Return how often the agent is asked in each state: its choice, and its value if it has one.

    It is not asked at all where its recorded actions are all that is known of it.
    """
    if isinstance(unmetered(task.agent), RecordedAgent):
        return 0
    return 2 if FORECASTS & task.agent.capabilities else 1


def state_features(
    task: Task, episodes: Sequence[Episode]
) -> list[Float[np.ndarray, "steps features"]]:
    """Return the features of every state in which an action was chosen, episode by episode.

    Inputs, preferences and value are three blocks of equal weight: each column is in units of its
    spread over all states, and each block is divided by the root of its number of columns that
    vary. Recorded actions stand for preferences where the agent cannot be asked.

    Args:
        task: The agent; charged for the queries.
        episodes: The episodes.
    """
    rows = np.concatenate([episode.observations[:-1] for episode in episodes])
    asked = queries_per_state(task)
    blocks = [flat(rows)]
    if asked:
        agent = in_context(task.agent, stacked([episode.context for episode in episodes]))
        blocks.append(preferences(agent, rows))
        if asked > 1:
            blocks.append(predicted_return(agent, rows))
    else:
        actions = np.concatenate([episode.actions for episode in episodes])
        blocks.append(outputs_of_actions(actions, task.agent.action_space))
    features = np.concatenate([_scaled(block) for block in blocks], axis=1)
    return np.split(features, np.cumsum([len(episode) for episode in episodes])[:-1])


def clusters(
    features: Float[np.ndarray, "states features"], n_clusters: int, *, seed: int
) -> Int[np.ndarray, " states"]:
    """Return the cluster of each state, by k-means."""
    cluster = _sklearn_cluster()
    fitted = cluster.KMeans(n_clusters, n_init=RESTARTS, random_state=seed).fit(features)
    return np.asarray(fitted.labels_, dtype=np.int64)


def _scaled(block: Float[np.ndarray, "states columns"]) -> Float[np.ndarray, "states columns"]:
    spread = block.std(axis=0)
    varies = spread > 0
    scale = np.where(varies, spread * np.sqrt(max(int(varies.sum()), 1)), np.inf)
    return np.asarray((block - block.mean(axis=0)) / scale)


def _sklearn_cluster() -> Any:
    """Return scikit-learn's clustering: every run loads the explainers, and few of them cluster."""
    # its first import draws from Python's global generator, which is the user's
    state = random.getstate()
    try:
        from sklearn import cluster
    finally:
        random.setstate(state)
    return cluster
