"""Actions in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.explanation.wording import show
from pellucid.report.record import RunRecord

MOST_DIMENSIONS = 4


def action_name(record: RunRecord, action: Any) -> str:
    """Return an action in words: its name, or each dimension with its amount."""
    names = record.episodes.names.actions
    values = np.asarray(action)
    if values.ndim == 0 and np.issubdtype(values.dtype, np.integer):
        return at_or(names, int(values), f"action {int(values)}")
    parts = [
        f"{at_or(names, i, f'action {i}')} {show(float(v))}"
        for i, v in enumerate(values.ravel()[:MOST_DIMENSIONS])
    ]
    n_more = values.size - MOST_DIMENSIONS
    return ", ".join([*parts, f"{n_more} more"] if n_more > 0 else parts)


def at_or(names: Sequence[str], index: int, otherwise: str) -> str:
    """Return the name at an index, or what stands for it where there is none."""
    return names[index] if 0 <= index < len(names) else otherwise
