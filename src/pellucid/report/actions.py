"""Actions in words."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.explanation.wording import show
from pellucid.report.record import RunRecord

MOST_DIMENSIONS = 4
_START = re.compile(r"Discrete\(\d+, start=(-?\d+)\)")


def action_name(record: RunRecord, action: Any) -> str:
    """Return an action in words: its name, or each part with its value or amount."""
    names, units = record.episodes.names.actions, record.episodes.names.action_units
    values = np.asarray(action)
    if values.ndim == 0 and np.issubdtype(values.dtype, np.integer):
        return at_or(names, int(values) - first_action(record), f"action {int(values)}")
    parts = [
        f"{at_or(names, i, f'action {i}')} {_value(float(v), at_or(units, i, ''))}"
        for i, v in enumerate(values.ravel()[:MOST_DIMENSIONS])
    ]
    n_more = values.size - MOST_DIMENSIONS
    return ", ".join([*parts, f"{n_more} more"] if n_more > 0 else parts)


def first_action(record: RunRecord) -> int:
    """Return the action that the first name is of; not 0 where a Discrete space says so."""
    stated = _START.fullmatch(record.agent.action_space)
    return int(stated[1]) if stated else 0


def _value(value: float, unit: str) -> str:
    """Return the name that a unit lists for a value, such as `left | right`; else the number."""
    listed = unit.split("|")
    if len(listed) > 1 and value == int(value) and 0 <= value < len(listed):
        return listed[int(value)].strip()
    return show(value)


def at_or(names: Sequence[str], index: int, otherwise: str) -> str:
    """Return the name at an index, or what stands for it where there is none."""
    return names[index] if 0 <= index < len(names) else otherwise
