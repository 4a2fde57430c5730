"""The draws of many rows, each from its own stream, taken some steps ahead."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Shaped

from pellucid.envs.batched.protocol import Rows
from pellucid.envs.batched.seeding import generators

DrawFn: TypeAlias = Callable[[np.random.Generator, int], Any]
"""`draw(rng, n)` returns the numbers of the next n steps, one row each, as n steps draw them."""


class RowDraws:
    """What each row draws in each step.

    Args:
        n_rows: How many rows.
        like: An array of the shape and type of one step's numbers.
        draw: Draws them.
        ahead: Steps for which a row's numbers are drawn at once; those that its episode does not
            come to are lost work.
    """

    def __init__(
        self, n_rows: int, like: Shaped[np.ndarray, " *numbers"], draw: DrawFn, *, ahead: int
    ) -> None:
        self._draw, self._ahead = draw, ahead
        self._rngs: list[np.random.Generator | None] = [None] * n_rows
        self._numbers = np.empty((n_rows, ahead, *like.shape), like.dtype)
        self._at = np.full(n_rows, ahead)

    def start(self, rows: Rows, seeds: Sequence[int]) -> list[np.random.Generator]:
        """Give rows new streams, and return these, for what `reset` draws before the first step."""
        rngs = generators(seeds)
        for row, rng in zip(rows.tolist(), rngs, strict=True):
            self._rngs[row] = rng
        self._at[rows] = self._ahead
        return rngs

    def take(self, rows: Rows) -> Shaped[np.ndarray, "rows *numbers"]:
        """Return the numbers of the next step of some rows."""
        at = self._at[rows]
        for row in rows[at == self._ahead].tolist():
            rng = self._rngs[row]
            assert rng is not None, "a row is stepped only after it was reset"
            self._numbers[row] = self._draw(rng, self._ahead)
        at[at == self._ahead] = 0
        self._at[rows] = at + 1
        numbers: Shaped[np.ndarray, rows * numbers] = self._numbers[rows, at]
        return numbers
