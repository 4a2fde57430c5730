"""Chain, many at once."""

from collections.abc import Sequence

import numpy as np

from pellucid.envs.batched.protocol import BatchedStep, Rows
from pellucid.envs.small.chain import FORWARD, Chain
from pellucid.types import Actions, Observations


class Batched:
    """Copies of `Chain`.

    Args:
        env: The single environment.
        n_rows: How many copies.
    """

    def __init__(self, env: Chain, n_rows: int) -> None:
        self._end = env.n_states - 1
        self._states = np.zeros(n_rows, np.int64)

    def reset(self, rows: Rows, seeds: Sequence[int]) -> Observations:
        """Return to state 0."""
        self._states[rows] = 0
        return np.zeros(len(rows), np.int64)

    def step(self, rows: Rows, actions: Actions) -> BatchedStep:
        """Go one state forward or stay."""
        states = self._states[rows] + (actions == FORWARD)
        self._states[rows] = states
        at_end = states == self._end
        return BatchedStep(states, at_end.astype(np.float64), at_end)
