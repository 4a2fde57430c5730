"""Answers of an agent when one input at a time is replaced by that of another visited state."""

import numpy as np
from jaxtyping import Float, Shaped

from pellucid.explainers.state.asking import Asking
from pellucid.explainers.state.pairs import Pairs
from pellucid.explanation import Task

MOST_NUMBERS = 4_000_000
"""Numbers that one batch of observations holds at most."""


def replaced_answers(
    task: Task, pairs: Pairs, asking: Asking
) -> Float[np.ndarray, "states background inputs outputs"]:
    """Return the answers with input i of background row b in place of that of the state.

    Where inputs are groups, all numbers of a group are replaced together.

    Args:
        task: Told how far it is.
        pairs: States, background and groups.
        asking: What is asked, one query per row.
    """
    shape = pairs.states.shape[1:]
    states = pairs.states.reshape(len(pairs.states), -1)
    background = pairs.background.reshape(len(pairs.background), -1)
    n_groups, n_numbers = len(pairs.groups), states.shape[1]
    block = max(1, MOST_NUMBERS // (n_numbers * len(background)))
    answers = []
    for number, state in enumerate(states):
        members, answer, parts = _members(pairs, number), asking.hybrids_of(number), []
        for first in range(0, n_groups, block):
            rows = _replaced(state, background, members[first : first + block])
            parts.append(answer(rows.reshape(-1, *shape)))
        found = np.concatenate(parts)
        answers.append(found.reshape(n_groups, len(background), -1).transpose(1, 0, 2))
        task.progress((number + 1) / len(states))
    return np.stack(answers)


def _members(pairs: Pairs, number: int) -> list[np.ndarray]:
    """Return the numbers of the observation that belong to each group, in one state."""
    labels = pairs.groups.of(pairs.states[number : number + 1])[0]
    return [np.flatnonzero(labels == group) for group in range(len(pairs.groups))]


def _replaced(
    state: Shaped[np.ndarray, " numbers"],
    background: Shaped[np.ndarray, "background numbers"],
    members: list[np.ndarray],
) -> Shaped[np.ndarray, "rows numbers"]:
    """Return one row per group and background row, in that order."""
    rows = np.broadcast_to(state, (len(members), len(background), len(state))).copy()
    for replaced, numbers in zip(rows, members, strict=True):
        replaced[:, numbers] = background[:, numbers]
    return rows.reshape(-1, len(state))
