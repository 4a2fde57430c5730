"""Draws a chart of pairs: a ring and a dot per row, joined by a line."""

import math

from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.marks import Axis, axis_over, dot, interval_marks, line, text
from pellucid.explanation.plots.pairs import PairChart, PairRow

ROW = 42
LABEL = 14
LINE = 29
LABEL_LETTERS = 26


def pair_marks(chart: PairChart, rows: int) -> tuple[str, int]:
    """Return the marks of a chart of pairs, and their height in pixels.

    Args:
        chart: The chart.
        rows: Rows drawn at most.
    """
    shown = chart.rows[:rows]
    shared = axis_over(
        v for r in shown for v in (r.first.value, r.second.value, r.second.low, r.second.high)
    )
    parts = []
    for index, row in enumerate(shown):
        axis = _own_axis(row) if chart.own_axes else shared
        top = index * ROW
        parts.append(text(clip(visible(row.label), LABEL_LETTERS), 0, top + LABEL))
        parts.append(text(chart.words(row), 100, top + LABEL, "end", "c-n"))
        parts.append(_row(row, axis, top + LINE, zero=not chart.own_axes))
    below = len(shown) * ROW + 14
    parts.append(_key(chart, below))
    return "".join(parts), below + 8


def _own_axis(row: PairRow) -> Axis:
    low, high = row.low, row.high
    known = math.isfinite(low) and math.isfinite(high) and high > low
    return Axis(low, high) if known else axis_over((row.first.value, row.second.value))


def _row(row: PairRow, axis: Axis, y: float, *, zero: bool) -> str:
    marks = line(0, y, 100, y, "c-k")
    if zero:
        marks += line(axis.at(0), y - 7, axis.at(0), y + 7, "c-z")
    if math.isfinite(row.first.value):
        if math.isfinite(row.second.value):
            ends = axis.at(row.first.value), axis.at(row.second.value)
            marks += line(ends[0], y, ends[1], y, "c-l")
        marks += dot(axis.at(row.first.value), y, "c-q", 5)
    return marks + interval_marks(row.second, axis, y)


def _key(chart: PairChart, y: float) -> str:
    return (
        dot(1.5, y - 4, "c-q", 5)
        + f'<text class="c-m" x="1.5%" y="{y:g}" dx="10">{chart.names[0]}</text>'
        + dot(50, y - 4, "c-d")
        + f'<text class="c-m" x="50%" y="{y:g}" dx="10">{chart.names[1]}</text>'
    )
