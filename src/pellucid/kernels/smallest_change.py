"""The smallest change of a state that gives a wanted answer, between it and states that have it.

A change is made of pieces of the way to another state: first whole inputs are taken back, then the
rest of the way is shortened, all inputs together and then each by itself. So the changed state
never leaves the box between two states that occurred.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

HasAnswerFn: TypeAlias = Callable[[Float[np.ndarray, "rows inputs"]], Bool[np.ndarray, " rows"]]
"""Whether each row has the wanted answer; one query per row."""

HALVINGS = 12
"""Of the way, all inputs together: 1/4096 of it is left."""
INPUT_HALVINGS = 8
"""Of the way of each input by itself."""
MARGIN = 0.02
"""Share of the change by which it goes on behind the border, if the answer stays there."""


def change_cost(n_inputs: int, n_targets: int) -> int:
    """Return the most rows that `smallest_changes` asks about, for one state."""
    return n_targets * (2 * n_inputs + HALVINGS + n_inputs * INPUT_HALVINGS + 1)


def smallest_changes(
    has_answer: HasAnswerFn,
    state: Float[np.ndarray, " inputs"],
    targets: Float[np.ndarray, "targets inputs"],
    scales: Float[np.ndarray, " inputs"],
    whole: Bool[np.ndarray, " inputs"],
) -> Float[np.ndarray, "targets inputs"]:
    """Return one changed state per target, each with the wanted answer.

    Args:
        has_answer: Told of rows; all targets are worked on together.
        state: It does not have the answer.
        targets: They have it.
        scales: Unit of each input; larger changes are tried to be taken back first.
        whole: Inputs that are whole numbers, which are rounded towards the target.
    """
    changed = targets.astype(np.float64)
    for _ in range(2):  # what had to stay may go once others have gone
        changed = _taken_back(has_answer, state, changed, scales)
    changed = _shortened(has_answer, state, changed, whole)
    changed = _shortened_singly(has_answer, state, changed, scales, whole)
    return _with_margin(has_answer, state, changed, targets, whole)


def _taken_back(
    has_answer: HasAnswerFn,
    state: np.ndarray,
    changed: np.ndarray,
    scales: np.ndarray,
) -> Float[np.ndarray, "targets inputs"]:
    """Return the changes without the inputs that are not needed, the largest tried first."""
    order = _largest_first(state, changed, scales)
    rows = np.arange(len(changed))
    changed = changed.copy()
    for place in range(changed.shape[1]):
        column = order[:, place]
        tried = changed.copy()
        tried[rows, column] = state[column]
        ask = changed[rows, column] != state[column]
        kept = np.zeros(len(changed), dtype=bool)
        if ask.any():
            kept[ask] = has_answer(tried[ask])
        changed[kept] = tried[kept]
    return changed


def _shortened(
    has_answer: HasAnswerFn, state: np.ndarray, changed: np.ndarray, whole: np.ndarray
) -> Float[np.ndarray, "targets inputs"]:
    """Return the changes with the way halved as long as the answer stays."""
    low, high = np.zeros(len(changed)), np.ones(len(changed))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        has = has_answer(_on_the_way(state, changed, middle[:, None], whole))
        high, low = np.where(has, middle, high), np.where(has, low, middle)
    return _on_the_way(state, changed, high[:, None], whole)


def _shortened_singly(
    has_answer: HasAnswerFn,
    state: np.ndarray,
    changed: np.ndarray,
    scales: np.ndarray,
    whole: np.ndarray,
) -> Float[np.ndarray, "targets inputs"]:
    """Return the changes with the way of each input halved, the largest one first."""
    order = _largest_first(state, changed, scales)
    for place in range(changed.shape[1]):
        column = order[:, place]
        rows = np.flatnonzero(changed[np.arange(len(changed)), column] != state[column])
        if not len(rows):
            continue
        low, high = np.zeros(len(rows)), np.ones(len(rows))
        shares = np.ones((len(rows), changed.shape[1]))
        each = np.arange(len(rows)), column[rows]
        for _ in range(INPUT_HALVINGS):
            middle = (low + high) / 2
            shares[each] = middle
            has = has_answer(_on_the_way(state, changed[rows], shares, whole))
            high, low = np.where(has, middle, high), np.where(has, low, middle)
        shares[each] = high
        changed[rows] = _on_the_way(state, changed[rows], shares, whole)
    return changed


def _largest_first(
    state: np.ndarray, changed: np.ndarray, scales: np.ndarray
) -> Int[np.ndarray, "targets inputs"]:
    """Return the inputs of each target by the size of their change, so that names do not matter."""
    units = np.where(scales > 0, scales, 1.0)
    return np.argsort(-np.abs(changed - state) / units, axis=1, kind="stable")


def _with_margin(
    has_answer: HasAnswerFn,
    state: np.ndarray,
    changed: np.ndarray,
    targets: np.ndarray,
    whole: np.ndarray,
) -> Float[np.ndarray, "targets inputs"]:
    """Return the changes a little longer, never beyond the targets: the border may be sharp."""
    longer = state + (1.0 + MARGIN) * (changed - state)
    inside = np.clip(longer, np.minimum(state, targets), np.maximum(state, targets))
    inside = np.where(whole, changed, inside)
    return np.where(has_answer(inside)[:, None], inside, changed)


def _on_the_way(
    state: np.ndarray, changed: np.ndarray, shares: np.ndarray, whole: np.ndarray
) -> Float[np.ndarray, "targets inputs"]:
    """Return the points at a share of the way; whole numbers rounded towards its end."""
    points = state + shares * (changed - state)
    rounded = np.where(changed >= state, np.ceil(points), np.floor(points))
    return np.asarray(np.where(whole, rounded, points))
