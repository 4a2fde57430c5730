"""Problems whose lookahead and effective horizon are known by hand."""

import numpy as np

from pellucid.tabular import FiniteMDP, from_table

END = -1


def lock(length: int) -> FiniteMDP:
    """Action 1 leads on and pays 1 at the end; action 0 goes back to the start."""
    next_states = np.array([[0, state + 1] for state in range(length)])
    next_states[-1, 1] = END
    rewards = np.zeros((length, 2))
    rewards[-1, 1] = 1.0
    return from_table(next_states, rewards, horizon=length, action_names=("back", "on"))


def trap(bait: float = 0.6) -> FiniteMDP:
    """The bait ends the episode; the other way pays 1 if a second choice is right, else 0.

    Random play makes of it 1/2, so that with a bait above 1/2 two steps of lookahead are needed.
    """
    next_states = np.array([[END, 1], [END, END]])
    return from_table(next_states, np.array([[bait, 0.0], [0.0, 1.0]]), horizon=2)
