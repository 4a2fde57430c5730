"""Small problems whose values are known by hand."""

import numpy as np

from pellucid.tabular import FiniteMDP


def two_doors(*, discount: float = 0.5, horizon: int | None = None) -> FiniteMDP:
    """Return three states: from the hall, action 0 pays 1 and stays; action 1 leads to the room
    (chance 0.8) or stays; in the room every action pays 4 and ends. State 2 is the end."""
    transitions = np.zeros((3, 2, 3))
    transitions[0, 0, 0] = 1.0
    transitions[0, 1] = (0.2, 0.8, 0.0)
    transitions[1, :, 2] = 1.0
    transitions[2, :, 2] = 1.0
    rewards = np.array([[1.0, 0.0], [4.0, 4.0], [0.0, 0.0]])
    return FiniteMDP(
        transitions=transitions,
        rewards=rewards,
        initial=np.array([1.0, 0.0, 0.0]),
        discount=discount,
        horizon=horizon,
    )
