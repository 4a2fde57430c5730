"""Logged episodes of states that a test writes down, and the true attribution in them."""

from dataclasses import replace

import numpy as np

from pellucid.rollouts.episodes import Episode, Episodes
from tests.faithfulness.cases import Linear, names, ranked


def logs(episodes_of_states, weights):
    """The agent that adds up weighted inputs, and logs in which it visited these states.

    Args:
        episodes_of_states: One list of states per episode.
        weights: Action 1 if the weighted sum is above zero, else action 0.
    """
    agent = Linear(np.asarray(weights, dtype=np.float64))
    attempted = []
    for index, states in enumerate(episodes_of_states):
        observations = np.array([*states, states[0]], dtype=np.float64)
        actions = agent.act(observations[:-1])
        n = len(states)
        attempted.append(Episode(index, -1, observations, actions, np.zeros(n), True, False))
    return agent, Episodes(tuple(attempted), None, names(len(weights), 2), -1, "greedy")


def true_attribution(episodes, weights):
    """What each input adds to the lead of the action that is chosen in each state."""
    content = ranked(episodes, np.zeros(len(weights)))
    parts = content.observations * np.asarray(weights)
    values = np.stack((np.zeros_like(parts), parts), axis=2)
    return replace(content, values=values, chosen=(parts.sum(axis=1) > 0).astype(np.int64))
