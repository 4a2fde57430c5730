"""Identity, many at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.envs.batched.draws import RowDraws
from pellucid.envs.batched.protocol import BatchedStep, Rows
from pellucid.envs.small.identity import Identity
from pellucid.types import Actions, Observations

AHEAD = 16
"""Steps drawn at once: one call costs as much as some hundred numbers."""


class Batched:
    """Copies of `Identity`.

    Args:
        env: The single environment.
        n_rows: How many copies.
    """

    def __init__(self, env: Identity, n_rows: int) -> None:
        n_choices = int(env.action_space.n)  # type: ignore[attr-defined]
        self._signals = np.eye(n_choices, dtype=np.float32)
        self._right = np.zeros(n_rows, np.int64)

        def draw(rng: np.random.Generator, n: int) -> Any:
            return rng.integers(n_choices, size=n)

        self._draws = RowDraws(n_rows, np.zeros((), np.int64), draw, ahead=AHEAD)

    def reset(self, rows: Rows, seeds: Sequence[int]) -> Observations:
        """Draw the first right choice."""
        self._draws.start(rows, seeds)
        return self._drawn(rows)

    def step(self, rows: Rows, actions: Actions) -> BatchedStep:
        """Pay for the right choice and draw the next one."""
        rewards = (actions == self._right[rows]).astype(np.float64)
        return BatchedStep(self._drawn(rows), rewards, np.zeros(len(rows), dtype=bool))

    def _drawn(self, rows: Rows) -> Observations:
        self._right[rows] = right = self._draws.take(rows)
        signals: Observations = self._signals[right]
        return signals
