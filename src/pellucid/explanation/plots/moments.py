"""The chart of a summary: the moments that stand out, by what they were chosen by."""

import math

import numpy as np

from pellucid.explanation.content import Summary
from pellucid.explanation.plots.rows import DotChart, DotRow


def moments_chart(content: Summary, unit: str) -> DotChart | None:
    """Return the chosen moments, the one that stands out most first.

    Args:
        content: The moments; the chart is None if there are none.
        unit: Unused: the axis is what the moments were chosen by.
    """
    if not len(content.steps):
        return None
    rows = tuple(
        DotRow(
            _label(content, int(i)),
            float(content.importance[i]),
            math.nan,
            math.nan,
        )
        for i in np.argsort(-content.importance, kind="stable")
    )
    n = len(rows)
    return DotChart(
        title=f"The {n} moments that stand out, by {content.importance_name}"
        if n > 1
        else f"The moment that stands out, by {content.importance_name}",
        sentence=f"{rows[0].label} stands out most: {rows[0].text}.",
        unit="",
        left="",
        right="stands out more →",
        rows=rows,
    )


def _label(content: Summary, moment: int) -> str:
    episode, step = (int(place) for place in content.steps[moment])
    why = f": {content.reasons[moment]}" if content.reasons else ""
    return f"episode {episode}, step {step}{why}"
