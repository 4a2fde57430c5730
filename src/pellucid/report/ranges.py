"""The inputs here beside those that the agent was made for: whether it is in the right place."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.report.behaviour import flat
from pellucid.report.record import Range, RunRecord
from pellucid.report.said import Document, listing, said

OFTEN = 0.05
"""Share of the visited states outside the stored range from which an input counts as outside."""
MOST_NAMED = 2


def compared(described: Sequence[Document], record: RunRecord) -> list[Document]:
    """Return the ranges of inputs with those that were stored, and the bounds of their space.

    Args:
        described: Ranges over the visited states, one per input.
        record: The run.

    Returns:
        The same with `stored` and `bounds` (lowest and highest, None where nothing is known), and
        `outside`, the percentage of visited states outside the stored range.
    """
    visited = flat(record.episodes.visited)
    stored, bounds = record.agent.input_ranges, record.agent.input_bounds
    return [
        {
            **row,
            "stored": _ends(stored, row["input"]),
            "bounds": _ends(bounds, row["input"]),
            "outside": _outside(visited[:, row["input"]], stored, row["input"]),
        }
        for row in described
    ]


def ranges_told(described: Sequence[Document], record: RunRecord) -> Document | None:
    """Return whether the inputs are where they were for the agent's maker, in one sentence.

    None where no ranges were stored with the agent.
    """
    known = [row for row in described if row["outside"] is not None]
    if not known:
        return None
    source = record.agent.ranges_source
    off = sorted(
        (row for row in known if row["outside"] > 100 * OFTEN), key=lambda row: -row["outside"]
    )
    if not off:
        return said(
            "Its {n} inputs are where they were before ({source}).",
            n=len(known),
            source=source,
        )
    return said(
        "**{k} of {n} inputs** are often outside the range that they had before ({source}): "
        "{which}.",
        k=len(off),
        n=len(known),
        source=source,
        which=listing([row["name"] for row in off[:MOST_NAMED]])
        + (" and others" if len(off) > MOST_NAMED else ""),
    )


def _ends(ranges: Sequence[Range], index: int) -> Document | None:
    if index >= len(ranges):
        return None
    low, high = ranges[index]
    # a bound that is none, such as minus infinity, says nothing
    return {"low": low, "high": high} if math.isfinite(low) and math.isfinite(high) else None


def _outside(
    values: Float[np.ndarray, " states"], ranges: Sequence[Range], index: int
) -> float | None:
    ends = _ends(ranges, index)
    values = values[np.isfinite(values)]
    if ends is None or not len(values):
        return None
    slack = 1e-6 * max(1.0, abs(ends["low"]), abs(ends["high"]))
    beyond = (values < ends["low"] - slack) | (values > ends["high"] + slack)
    return 100.0 * float(beyond.mean())
