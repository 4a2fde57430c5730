"""NoisyWalk, many at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.envs.batched.draws import RowDraws
from pellucid.envs.batched.protocol import BatchedStep, Rows
from pellucid.envs.small.noisy_walk import REST, NoisyWalk
from pellucid.types import Actions, Observations

AHEAD = 10
"""Steps drawn at once: every number costs a call of its own."""


class Batched:
    """Copies of `NoisyWalk`.

    Args:
        env: The single environment.
        n_rows: How many copies.
    """

    def __init__(self, env: NoisyWalk, n_rows: int) -> None:
        self._noise = env._noise
        self._positions = np.zeros(n_rows)
        self._draws = RowDraws(n_rows, np.zeros(2), _draw, ahead=AHEAD)

    def reset(self, rows: Rows, seeds: Sequence[int]) -> Observations:
        """Return to the middle."""
        self._positions[rows] = 0.0
        meaningless = [rng.random() for rng in self._draws.start(rows, seeds)]
        return _observations(self._positions[rows], np.array(meaningless))

    def step(self, rows: Rows, actions: Actions) -> BatchedStep:
        """Move, and be moved."""
        draws = self._draws.take(rows)
        moves = (actions - REST).astype(np.float64)
        shifts = 0.1 * moves + self._noise * draws[:, 0]
        positions = self._positions[rows] + shifts
        self._positions[rows] = positions
        terms = {"progress": 10.0 * shifts, "effort": -0.1 * np.abs(moves)}
        return BatchedStep(
            _observations(positions, draws[:, 1]),
            terms["progress"] + terms["effort"],
            np.abs(positions) >= 1.0,
            terms,
        )


def _draw(rng: np.random.Generator, n: int) -> Any:
    # in turn, as the single environment draws them from one stream
    normal, uniform = rng.standard_normal, rng.random
    return np.array([draw() for _ in range(n) for draw in (normal, uniform)]).reshape(n, 2)


def _observations(
    positions: Float[np.ndarray, " rows"], meaningless: Float[np.ndarray, " rows"]
) -> Observations:
    observations = np.empty((len(positions), 2), np.float32)
    observations[:, 0], observations[:, 1] = positions, meaningless
    return observations
