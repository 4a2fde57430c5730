"""KeyDoorTrap, many at once."""

from collections.abc import Sequence

import numpy as np

from pellucid.envs.batched.protocol import BatchedStep, Rows
from pellucid.envs.small.key_door_trap import TAKE, KeyDoorTrap
from pellucid.types import Actions, Observations


class Batched:
    """Copies of `KeyDoorTrap`.

    Args:
        env: The single environment.
        n_rows: How many copies.
    """

    def __init__(self, env: KeyDoorTrap, n_rows: int) -> None:
        self._length, self._critical = env.length, env.critical_step
        self._places = np.zeros(n_rows, np.int64)
        self._has_key = np.zeros(n_rows, dtype=bool)

    def reset(self, rows: Rows, seeds: Sequence[int]) -> Observations:
        """Return to the entrance without a key."""
        self._places[rows] = 0
        self._has_key[rows] = False
        return self._observations(rows)

    def step(self, rows: Rows, actions: Actions) -> BatchedStep:
        """Take the key where it is in reach and wanted, then walk on."""
        self._has_key[rows] |= (actions == TAKE) & (self._places[rows] == self._critical)
        self._places[rows] += 1
        at_door = self._places[rows] == self._length
        paid = np.where(self._has_key[rows], 10.0, -10.0)
        return BatchedStep(self._observations(rows), np.where(at_door, paid, 0.0), at_door)

    def _observations(self, rows: Rows) -> Observations:
        places = self._places[rows]
        observations = np.empty((len(rows), 3), np.float32)
        observations[:, 0] = places / self._length
        observations[:, 1] = places == self._critical
        observations[:, 2] = self._has_key[rows]
        return observations
