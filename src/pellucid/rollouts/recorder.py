"""Recorder: keeps the steps of one episode in arrays that grow, not in lists of objects."""

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

_FIRST_CAPACITY = 256


class Recorder:
    """Keeps what happens in one episode or one future.

    A million steps take little more than their values: arrays double when they are full.

    Args:
        observation_layout: Shape and type of one observation.
        action_layout: Shape and type of one action.
        keep_observations: Whether every observation is kept; else none is.
    """

    def __init__(
        self,
        observation_layout: tuple[tuple[int, ...], np.dtype[Any]],
        action_layout: tuple[tuple[int, ...], np.dtype[Any]],
        *,
        keep_observations: bool = True,
    ) -> None:
        self._observations = _Growing(*observation_layout)
        self._actions = _Growing(*action_layout)
        self._keep_observations = keep_observations
        self._rewards = array("d")
        self._term_names: tuple[str, ...] = ()
        self._terms = array("d")
        self._masks: _Growing | None = None
        self._memories: _Growing | None = None

    def __len__(self) -> int:
        return len(self._rewards)

    def start(self, observation: Any) -> None:
        """Keep the first observation."""
        if self._keep_observations:
            self._observations.append(observation)

    def step(
        self,
        action: Any,
        reward: float,
        observation: Any,
        terms: Mapping[str, float] | None,
        mask: Shaped[np.ndarray, " actions"] | None = None,
        memory: Float[np.ndarray, " units"] | None = None,
    ) -> None:
        """Keep one complete step; mask and memory where observations are kept.

        Raises:
            TypeError: The terms do not map names to numbers; nothing is kept then.
        """
        if terms is not None or self._term_names:
            self._keep_terms({} if terms is None else terms)
        self._actions.append(action)
        self._rewards.append(reward)
        if self._keep_observations:
            self._observations.append(observation)
            self._masks = _appended(self._masks, mask)
            self._memories = _appended(self._memories, memory)

    def _keep_terms(self, terms: Mapping[str, float]) -> None:
        if type(terms) is dict and tuple(terms) == self._term_names:
            # every step but the first: a whole row or, if one is no number, a TypeError
            self._terms.extend(array("d", terms.values()))
            return
        if not isinstance(terms, Mapping):
            raise TypeError(f"got {type(terms).__name__}")
        if not all(isinstance(name, str) for name in terms):
            raise TypeError("a name is no text")
        new = tuple(name for name in terms if name not in self._term_names)
        row = array("d", [terms.get(name, np.nan) for name in self._term_names + new])
        if new:
            self._add_term_names(new)
        self._terms.extend(row)

    def _add_term_names(self, new: tuple[str, ...]) -> None:
        # steps before a term was first reported have no value for it, which is not zero
        n_before = len(self._rewards)
        old = np.array(self._terms).reshape(n_before, len(self._term_names))
        rows = np.concatenate([old, np.full((n_before, len(new)), np.nan)], axis=1)
        self._terms = array("d", rows.tobytes())
        self._term_names += new

    @property
    def observations(self) -> Shaped[np.ndarray, "steps_and_one *observation"]:
        """The observations kept so far."""
        return self._observations.values()

    @property
    def actions(self) -> Shaped[np.ndarray, "steps *action"]:
        """The actions kept so far."""
        return self._actions.values()

    @property
    def masks(self) -> Bool[np.ndarray, "steps actions"] | None:
        """Which actions were allowed at each step; None if nobody said."""
        return None if self._masks is None else self._masks.values()

    @property
    def memories(self) -> Float[np.ndarray, "steps units"] | None:
        """What a recurrent agent remembered before each step; None for other agents."""
        return None if self._memories is None else self._memories.values()

    @property
    def rewards(self) -> Float[np.ndarray, " steps"]:
        """The rewards kept so far."""
        return np.array(self._rewards, dtype=np.float64)

    @property
    def terms(self) -> dict[str, Float[np.ndarray, " steps"]]:
        """The reward terms kept so far; NaN where a step did not report one."""
        columns = np.array(self._terms).reshape(len(self), len(self._term_names))
        return {name: columns[:, i].copy() for i, name in enumerate(self._term_names)}


def _appended(rows: "_Growing | None", row: np.ndarray | None) -> "_Growing | None":
    if row is not None:
        rows = _Growing(row.shape, row.dtype) if rows is None else rows
        rows.append(row)
    return rows


class _Growing:
    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._rows = np.empty((0, *shape), dtype)
        self._count = 0

    def append(self, row: Any) -> None:
        if self._count == len(self._rows):
            capacity = max(_FIRST_CAPACITY, 2 * self._count)
            larger = np.empty((capacity, *self._rows.shape[1:]), self._rows.dtype)
            larger[: self._count] = self._rows
            self._rows = larger
        # copies the values: an environment may write its next observation into the same array
        self._rows[self._count] = row
        self._count += 1

    def values(self) -> Shaped[np.ndarray, "rows *item"]:
        return self._rows[: self._count].copy()
