"""What moves an agent toward each of its actions, as data: one click below an attribution."""

import numpy as np

from pellucid.explanation import Attribution
from pellucid.explanation.content import PREDICTED_RETURN, RETURN
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.report.said import Document

MOST_ACTIONS = 6
MOST_INPUTS = 5


def by_action(content: object) -> Document | None:
    """Return by how much each input speaks for an action where it is chosen, the commonest first.

    Args:
        content: Of an explanation.

    Returns:
        None for what is no attribution of several states and actions: where one number is
        explained, or a whole action that has several parts, there is nothing to tell apart.
    """
    if not isinstance(content, Attribution) or content.output_unit in (PREDICTED_RETURN, RETURN):
        return None
    chosen, counts = np.unique(content.chosen, return_counts=True)
    if len(chosen) < 2:
        return None
    order = np.argsort(-counts, kind="stable")[:MOST_ACTIONS]
    actions = chosen[order]
    return {
        "n_actions": len(chosen),
        "unit": content.output_unit,
        "names": [content.output_names[k] for k in actions],
        "n_states": [int(n) for n in counts[order]],
        "rows": [
            {
                "label": content.input_names[i],
                "cells": [_cell(content, int(i), int(k)) for k in actions],
            }
            for i in content.ranking[:MOST_INPUTS]
        ],
    }


def _cell(content: Attribution, index: int, action: int) -> Document:
    """Return the mean over the states in which an action was chosen, with its interval."""
    states = content.chosen == action
    values = content.values[states, index, action]
    mean, low, high = mean_over_episodes(values, content.steps[states, 0])
    return {"value": mean, "low": low, "high": high}
