"""Pairs of recorded states in which an agent chooses differently, as near to each other as can be.

What differs between the two is what a choice may be due to; see activation patching.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from pellucid.agents.acting import choose_actions
from pellucid.errors import DataError
from pellucid.rollouts.clones import observations_at, scaled_inputs
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.logs import evenly
from pellucid.rollouts.remembered import same
from pellucid.types import Agent

MOST_STATES = 500
"""Recorded states among which counterparts are looked for, evenly spread over all."""


def counterparts(
    agent: Agent, episodes: Episodes, moments: Int[np.ndarray, "moments 2"]
) -> Int[np.ndarray, "moments 2"]:
    """Return for each moment the nearest recorded state in which the agent chooses differently.

    Nearest in standardised inputs, in any other step of any episode. Costs `cost_of_counterparts`.

    Args:
        agent: Any agent; asked for its most-likely actions.
        episodes: Recorded ones.
        moments: Shape (moments, 2), position of the episode and step.

    Raises:
        DataError: For none of the moments is there such a state.

    Returns:
        Shape (moments, 2); a row of -1 where there is none.
    """
    pool = episodes.visited_steps[evenly(len(episodes.visited), MOST_STATES)]
    seen, around = observations_at(episodes, moments), observations_at(episodes, pool)
    chosen = choose_actions(agent, seen, "greedy", ())
    elsewhere = choose_actions(agent, around, "greedy", ())
    distances = cdist(scaled_inputs(episodes, seen), scaled_inputs(episodes, around))
    found = np.full((len(moments), 2), -1)
    for row, action in enumerate(chosen):
        alike = same(agent.action_space, elsewhere, np.repeat(action[None], len(pool), axis=0))
        if not alike.all():
            found[row] = pool[np.where(alike, np.inf, distances[row]).argmin()]
    if (found < 0).all():
        raise DataError(
            "the agent chooses the same in all recorded states: there is nothing to tell apart",
            hint="episodes in which it does different things",
        )
    return found


def cost_of_counterparts(episodes: Episodes, n_moments: int) -> int:
    """Return how many queries `counterparts` makes."""
    return n_moments + min(MOST_STATES, len(episodes.visited))


def share_moved(
    before: Float[np.ndarray, "rows outputs"],
    after: Float[np.ndarray, "rows outputs"],
    target: Float[np.ndarray, "rows outputs"],
) -> Float[np.ndarray, " rows"]:
    """Return how far preferences moved toward others, in percent of the way; NaN for no way.

    The projection of the movement on the way: moving past the target is more than 100, moving away
    from it less than 0, moving sideways is 0.

    Example:
        >>> share_moved(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]), np.array([[0.0, 1.0]]))
        array([50.])
    """
    way = target - before
    length = (way**2).sum(axis=1)
    known = length > 0
    moved = ((after - before) * way).sum(axis=1)
    return np.asarray(np.where(known, 100.0 * moved / np.where(known, length, 1.0), np.nan))
