"""Observations that take some groups of inputs from one visited state and the others from another.

Methods that solve games see one column per group, which holds the number of the row that the
group's inputs are taken from; rows that are equal in a group share one number, so that such a group
is seen to change nothing. Whoever is asked sees whole observations.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.explanation import InputGroups
from pellucid.types import Observations, PreferencesFn

MOST_NUMBERS = 4_000_000
"""Numbers that one batch of observations holds at most."""


class Sides(NamedTuple):
    """Both sides of games: one row per state, one per background row, one column per group.

    Args:
        states: Shape (states, groups).
        background: Shape (background, groups).
        shape: Of one observation.
        grouped: What the columns stand for; None if they are the inputs themselves.
    """

    states: Shaped[np.ndarray, "states groups"]
    background: Shaped[np.ndarray, "background groups"]
    shape: tuple[int, ...]
    grouped: "GroupedRows | None"

    def asking(self, answer: PreferencesFn) -> PreferencesFn:
        """Return a function from rows of groups to answers, one query per row."""
        if self.grouped is not None:
            return self.grouped.asking(answer)

        def answers(rows: Shaped[np.ndarray, "rows groups"]) -> Float[np.ndarray, "rows outputs"]:
            return answer(rows.reshape(-1, *self.shape))

        return answers


def sides_of(
    states: Observations, background: Observations, groups: InputGroups, *, apart: bool = False
) -> list[Sides]:
    """Return the sides of the games of some states; all together if groups are fixed.

    Where groups are found anew in each state, or where the agent has to be asked about each state
    apart, each state is a game of its own.
    """
    if apart:
        return [sides_of(state[None], background, groups)[0] for state in states]
    shape = states.shape[1:]
    if groups.are_inputs:
        one, other = (side.reshape(len(side), -1) for side in (states, background))
        return [Sides(one, other, shape, None)]
    if groups.labels is not None:
        return [_grouped_sides(states, background, groups.labels, len(groups))]
    labels = groups.of(states)
    return [
        _grouped_sides(states[row : row + 1], background, labels[row], len(groups))
        for row in range(len(states))
    ]


def _grouped_sides(
    states: Observations,
    background: Observations,
    labels: Int[np.ndarray, " inputs"],
    n_groups: int,
) -> Sides:
    grouped = GroupedRows(np.concatenate([states, background]), labels, n_groups)
    codes = grouped.codes
    return Sides(codes[: len(states)], codes[len(states) :], states.shape[1:], grouped)


class GroupedRows:
    """Visited states as rows of groups.

    Args:
        observations: Shape (rows, *observation), all that hybrids are made of.
        labels: Shape (inputs,), the group of each input.
        n_groups: Number of groups.
    """

    def __init__(
        self, observations: Observations, labels: Int[np.ndarray, " inputs"], n_groups: int
    ) -> None:
        self._shape = observations.shape[1:]
        self._rows = observations.reshape(len(observations), -1)
        self._members = [np.flatnonzero(labels == group) for group in range(n_groups)]
        self.codes: Int[np.ndarray, "rows groups"] = np.stack(
            [self._first_equal(members) for members in self._members], axis=1
        )

    def observations(self, codes: Int[np.ndarray, "hybrids groups"]) -> Observations:
        """Return the observations that rows of codes stand for."""
        made = np.empty((len(codes), self._rows.shape[1]), dtype=self._rows.dtype)
        for column, members in zip(codes.T, self._members, strict=True):
            made[:, members] = self._rows[column[:, None], members]
        return made.reshape(len(codes), *self._shape)

    def asking(self, answer: PreferencesFn) -> PreferencesFn:
        """Return a function from rows of codes to answers, asked in batches of bounded size."""
        at_once = max(1, MOST_NUMBERS // max(1, self._rows.shape[1]))

        def answers(codes: Shaped[np.ndarray, "rows groups"]) -> Float[np.ndarray, "rows outputs"]:
            return in_batches(lambda part: answer(self.observations(part)), codes, at_once)

        return answers

    def _first_equal(self, members: Int[np.ndarray, " members"]) -> Int[np.ndarray, " rows"]:
        """Return, for each row, the first one with the same inputs in a group."""
        if not len(members):  # an object that is not there: equal in every row
            return np.zeros(len(self._rows), dtype=np.int64)
        parts = np.ascontiguousarray(self._rows[:, members])
        _, first, inverse = np.unique(parts, axis=0, return_index=True, return_inverse=True)
        return np.asarray(first[inverse.reshape(-1)], dtype=np.int64)


def in_batches(
    fn: Callable[[np.ndarray], Float[np.ndarray, "rows outputs"]],
    rows: Shaped[np.ndarray, "rows ..."],
    at_once: int,
) -> Float[np.ndarray, "rows outputs"]:
    """Return a row-wise function of all rows, given at most `at_once` at a time."""
    parts = [fn(rows[start : start + at_once]) for start in range(0, max(1, len(rows)), at_once)]
    return np.concatenate(parts)
