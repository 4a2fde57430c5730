"""A slippery grid with a goal far away and a distraction close by."""

import numpy as np

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
ACTION_NAMES = ("up", "right", "down", "left")
DISTRACTION = 0.1
"""What every step in the first row's last cell pays; the goal pays 1."""


def slippery_grid(size: int, *, horizon: int, slip: float = 0.1) -> FiniteMDP:
    """Return a grid from whose first cell the last one is to be reached, as early as possible.

    Every step in the last cell pays 1, and in the other corner of the first row 0.1. With the
    chance `slip` a move goes in a direction drawn evenly from all four; walls stop it.

    Args:
        size: Cells in a row, at least 2.
        horizon: Steps of an episode.
        slip: From 0 to 1.

    Raises:
        InputError: The size or the slip is out of range.
    """
    if size < 2 or not 0 <= slip <= 1:
        raise InputError(f"expected a size from 2 on and a slip from 0 to 1, got {size} and {slip}")
    n_states = size * size
    transitions = np.zeros((n_states, len(MOVES), n_states))
    for state in range(n_states):
        row, column = divmod(state, size)
        reached = [
            min(max(row + down, 0), size - 1) * size + min(max(column + right, 0), size - 1)
            for down, right in MOVES
        ]
        for action, wanted in enumerate(reached):
            transitions[state, action, wanted] += 1 - slip
            for drifted in reached:
                transitions[state, action, drifted] += slip / len(MOVES)
    rewards = np.zeros((n_states, len(MOVES)))
    rewards[size - 1] = DISTRACTION
    rewards[n_states - 1] = 1.0
    return FiniteMDP(
        transitions=transitions,
        rewards=rewards,
        initial=np.eye(n_states)[0],
        horizon=horizon,
        state_names=tuple(f"row {s // size}, column {s % size}" for s in range(n_states)),
        action_names=ACTION_NAMES,
    )
