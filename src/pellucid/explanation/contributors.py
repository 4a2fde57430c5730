"""Which recorded episodes an explanation names for a decision, from most to least important."""

import math

import numpy as np
from jaxtyping import Int

from pellucid.explanation.content import Contributions

NAMED_SHARE = 0.1
"""Share of the other episodes that are named for a decision, at least one."""


def named_episodes(content: Contributions, moment: int) -> Int[np.ndarray, " named"]:
    """Return the episodes that contribute most to a moment, as positions, sorted.

    Contributors are taken from the largest value down, as long as it is above 0, until they hold a
    tenth of the other episodes. The episode of the moment itself is never among them.

    Args:
        content: Contributions of episodes or of groups of them.
        moment: Row of `content.moments`.

    Returns:
        Empty if no contributor is above 0.
    """
    own = int(content.moments[moment, 0])
    wanted = n_named(len(content.members))
    values = content.by_moment[moment]
    named: list[int] = []
    for contributor in np.argsort(-values, kind="stable"):
        if len(named) >= wanted or not values[contributor] > 0:
            break
        members = np.flatnonzero(content.members == contributor)
        named += [int(episode) for episode in members if episode != own]
    return np.array(sorted(named), dtype=np.int64)


def n_named(n_episodes: int) -> int:
    """Return how many episodes are named at least, of so many.

    Example:
        >>> n_named(4), n_named(21), n_named(22)
        (1, 2, 3)
    """
    return max(1, math.ceil(NAMED_SHARE * (n_episodes - 1)))
