"""Answers of an agent when one input at a time is replaced by that of another visited state."""

import numpy as np
from jaxtyping import Float, Shaped

from pellucid.explainers.state.pairs import Pairs
from pellucid.explanation import Task
from pellucid.types import PreferencesFn

MOST_NUMBERS = 4_000_000
"""Numbers that one batch of observations holds at most."""


def replaced_answers(
    task: Task, pairs: Pairs, answer: PreferencesFn
) -> Float[np.ndarray, "states background inputs outputs"]:
    """Return the answers with input i of background row b in place of that of the state.

    Args:
        task: Told how far it is.
        pairs: States and background.
        answer: What is asked, one query per row.
    """
    shape = pairs.states.shape[1:]
    states = pairs.states.reshape(len(pairs.states), -1)
    background = pairs.background.reshape(len(pairs.background), -1)
    n_inputs = states.shape[1]
    block = max(1, MOST_NUMBERS // (n_inputs * len(background)))
    answers = []
    for number, state in enumerate(states):
        parts = []
        for first in range(0, n_inputs, block):
            rows = _replaced(state, background, np.arange(first, min(n_inputs, first + block)))
            parts.append(answer(rows.reshape(-1, *shape)))
        found = np.concatenate(parts)
        answers.append(found.reshape(n_inputs, len(background), -1).transpose(1, 0, 2))
        task.progress((number + 1) / len(states))
    return np.stack(answers)


def _replaced(
    state: Shaped[np.ndarray, " inputs"],
    background: Shaped[np.ndarray, "background inputs"],
    which: np.ndarray,
) -> Shaped[np.ndarray, "rows inputs"]:
    """Return one row per input of `which` and background row, in that order."""
    rows = np.broadcast_to(state, (len(which), len(background), len(state))).copy()
    rows[np.arange(len(which)), :, which] = background[:, which].T
    return rows.reshape(-1, len(state))
