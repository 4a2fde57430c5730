"""States made of groups of two others, and how far states are from each other."""

import math

import numpy as np
from jaxtyping import Bool, Float, Shaped

from pellucid.explanation.groups import InputGroups, group_sums
from pellucid.types import Observations

_NUMBERS_AT_ONCE = 2**22


def swapped(
    state: Shaped[np.ndarray, "*observation"],
    other: Shaped[np.ndarray, "*observation"],
    masks: Bool[np.ndarray, "rows groups"],
    groups: InputGroups,
    behind: Shaped[np.ndarray, " inputs"] | None = None,
) -> Observations:
    """Return a state with some of its groups as they are in another one.

    Objects that are found anew in each state move: one that is swapped leaves its place and is put
    where the other state has it. Objects of a later number are in front.

    Args:
        state: One observation.
        other: Another one.
        masks: Shape (rows, groups), the groups that come from the other, one state per row.
        groups: What is swapped together.
        behind: What is seen behind objects, see `InputGroups.behind`; None where groups are the
            same everywhere.
    """
    own, theirs = state.reshape(-1), other.reshape(-1)
    labels, their_labels = groups.of(np.stack([state, other]))
    if behind is None:
        return np.where(masks[:, labels], theirs, own).reshape(-1, *state.shape)
    rest = len(groups) - 1
    grounds = [
        np.where(where == rest, values, behind)
        for values, where in ((own, labels), (theirs, their_labels))
    ]
    rows = np.where(masks[:, rest:], grounds[1], grounds[0])
    for group in range(rest):
        from_other = masks[:, group : group + 1]
        there = np.where(from_other, their_labels == group, labels == group)
        rows = np.where(there, np.where(from_other, theirs, own), rows)
    return np.asarray(rows.reshape(-1, *state.shape))


def input_units(
    visited: Observations, groups: InputGroups | None = None
) -> Float[np.ndarray, " inputs"]:
    """Return the unit of each input's change: its standard deviation over visited states.

    Of inputs in groups it is multiplied by the number of inputs in the group (a mean number where
    groups are found anew in each state), so that the distances of a group are means over its
    inputs. 0 for an input that never varies.
    """
    rows = visited.reshape(len(visited), math.prod(visited.shape[1:]))
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, rows.shape[1]))
    parts = [rows[start : start + at_once] for start in range(0, len(rows), at_once)]
    means = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / len(rows)
    squares = sum(((part - means) ** 2).sum(axis=0) for part in parts)
    # the mean of equal numbers may be rounded to another one
    units = np.where(rows.max(axis=0) > rows.min(axis=0), np.sqrt(squares / len(rows)), 0.0)
    if groups is None or groups.are_inputs:
        return np.asarray(units)
    if groups.labels is None:
        return np.asarray(units * rows.shape[1] / len(groups))
    return np.asarray(units * np.bincount(groups.labels, minlength=len(groups))[groups.labels])


def scaled_distances(
    rows: Shaped[np.ndarray, "rows ..."],
    state: Shaped[np.ndarray, "..."],
    units: Float[np.ndarray, " inputs"],
) -> Float[np.ndarray, " rows"]:
    """Return sums of differences in units; inputs without one do not count.

    Args:
        rows: Shape (rows, *observation), flattened or not.
        state: One observation, or one for each row.
        units: From `input_units`.
    """
    vary = units > 0
    given = rows.reshape(len(rows), len(units))
    others = np.broadcast_to(state.reshape(-1, len(units)), given.shape)
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, len(units)))
    found = [
        _differences(given[start : start + at_once], others[start : start + at_once], vary)
        @ (1.0 / units[vary])
        for start in range(0, len(given), at_once)
    ]
    return np.concatenate(found) if found else np.empty(0)


def group_changes(
    state: Shaped[np.ndarray, "*observation"],
    others: Observations,
    groups: InputGroups,
    units: Float[np.ndarray, " inputs"],
) -> Float[np.ndarray, "others groups"]:
    """Return how much each group differs between a state and others, in units.

    Where groups are found anew in each state, an input counts for its group in either state.
    """
    inverse = np.where(units > 0, 1.0 / np.where(units > 0, units, 1.0), 0.0)
    flat = others.reshape(len(others), -1).astype(np.float64)
    differences = np.abs(flat - state.reshape(-1)) * inverse
    changes = group_sums(differences, groups.of(others), len(groups))
    if groups.labels is None:
        own = np.repeat(groups.of(state[None]), len(others), axis=0)
        changes = np.maximum(changes, group_sums(differences, own, len(groups)))
    return changes


def in_units(
    observations: Observations | Float[np.ndarray, "rows inputs"],
    units: Float[np.ndarray, " inputs"],
) -> Float[np.ndarray, "rows inputs"]:
    """Return states as rows of numbers in units; 0 for an input without one."""
    rows = observations.reshape(len(observations), len(units)).astype(np.float64)
    return np.asarray(rows / np.where(units > 0, units, np.inf))


def _differences(
    rows: np.ndarray, others: np.ndarray, vary: Bool[np.ndarray, " inputs"]
) -> Float[np.ndarray, "rows varying"]:
    return np.abs(rows[:, vary].astype(np.float64) - others[:, vary].astype(np.float64))
