"""Draws a dose chart as inline SVG: a dot with its interval at every dose, joined by a line."""

import math
from itertools import pairwise

from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.doses import DoseChart, DoseRow
from pellucid.explanation.plots.marks import Axis, dot, line, text
from pellucid.explanation.wording import show

ROW, PLOT, LABEL = 104, 64, 14
LABEL_LETTERS = 24


def dose_marks(chart: DoseChart, rows: int) -> tuple[str, int]:
    """Return the drawing of the first rows and its height.

    Args:
        chart: At least one row and two doses.
        rows: Rows drawn; the others are in the table.
    """
    shown = chart.rows[:rows]
    across = Axis(chart.doses[0], chart.doses[-1], 4.0, 96.0)
    parts = [_row(row, chart, across, index * ROW) for index, row in enumerate(shown)]
    below = len(shown) * ROW + 8
    for dose in chart.doses:
        words = "as it is" if dose == 0 else f"{show(dose)}".replace("-", "−")
        parts.append(text(words, across.at(dose), below, "middle", "c-m"))
    return "".join(parts), below + 8


def _row(row: DoseRow, chart: DoseChart, across: Axis, top: float) -> str:
    ends = [v for p in row.points for v in (p.value, p.low, p.high) if math.isfinite(v)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    spread = (high - low) or 1.0

    def y(value: float) -> float:
        return round(top + LABEL + 8 + 4 + (PLOT - 8) * (high - value) / spread, 1)

    label = row.label if row.unit == chart.unit else f"{row.label}, {row.unit}"
    parts = [
        text(clip(visible(label), LABEL_LETTERS), 0, top + LABEL),
        text(f"at {show(chart.doses[-1])}: {row.points[-1].text}", 100, top + LABEL, "end", "c-n"),
        line(across.left, y(0.0), across.right, y(0.0), "c-z"),
    ]
    placed = [
        (across.at(dose), point)
        for dose, point in zip(chart.doses, row.points, strict=True)
        if math.isfinite(point.value)
    ]
    for (x, point), (other_x, other) in pairwise(placed):
        parts.append(line(x, y(point.value), other_x, y(other.value), "c-p"))
    for x, point in placed:
        if math.isfinite(point.low) and math.isfinite(point.high):
            parts.append(line(x, y(point.low), x, y(point.high), "c-i"))
        parts.append(dot(x, y(point.value), "c-d"))
    return "".join(parts)
