"""Draws a fan chart as inline SVG: a shaded band, its median, and a line for what followed."""

import math
from collections.abc import Callable, Sequence

from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.fans import FanChart, FanRow
from pellucid.explanation.plots.marks import text
from pellucid.explanation.wording import show

ROW, PLOT, LABEL = 92, 56, 14
WIDTH = 600.0
LABEL_LETTERS = 34


def fan_marks(chart: FanChart, rows: int) -> tuple[str, int]:
    """Return the drawing of the first inputs and its height.

    Args:
        chart: At least one row.
        rows: Rows drawn; the others are in the table.
    """
    shown = chart.rows[:rows]
    parts = [_row(row, index * ROW) for index, row in enumerate(shown)]
    height = len(shown) * ROW
    ahead = len(chart.rows[0].lows)
    parts.append(text("now", 0, height + 8, "start", "c-m"))
    parts.append(text(f"{ahead} steps later", 100, height + 8, "end", "c-m"))
    return "".join(parts), height + 16


def _row(row: FanRow, top: float) -> str:
    values = [v for v in (row.now, *row.lows, *row.highs, *row.followed) if math.isfinite(v)]
    low, high = min(values), max(values)
    spread = (high - low) or 1.0

    def place(step: int, value: float) -> str:
        x = WIDTH * step / len(row.lows)
        return f"{x:.1f} {3 + (PLOT - 6) * (high - value) / spread:.1f}"

    upper = [place(0, row.now), *(place(i + 1, v) for i, v in enumerate(row.highs))]
    lower = [place(i + 1, v) for i, v in enumerate(row.lows)]
    band = f"M{'L'.join(upper)}L{'L'.join(reversed(lower))}Z"
    inner = (
        f'<path class="c-b" d="{band}" fill="#D9D9D9"/>'
        f'<path class="c-e1" d="{_line(row.now, row.middles, place)}" fill="none" '
        'stroke="#8A8A8A" stroke-dasharray="5 4" vector-effect="non-scaling-stroke"/>'
        f'<path class="c-p" d="{_line(row.now, row.followed, place)}" fill="none" '
        'stroke="currentColor" vector-effect="non-scaling-stroke"/>'
    )
    ends = f"{show(row.lows[-1])} to {show(row.highs[-1])}"
    return (
        text(clip(visible(row.label), LABEL_LETTERS), 0, top + LABEL)
        + text(ends, 100, top + LABEL, "end", "c-n")
        + f'<svg x="0" y="{top + LABEL + 6:g}" width="100%" height="{PLOT}" '
        f'preserveAspectRatio="none" viewBox="0 0 {WIDTH:g} {PLOT}">{inner}</svg>'
    )


def _line(now: float, values: Sequence[float], place: Callable[[int, float], str]) -> str:
    """Return a path from now on, as far as values are known."""
    path = f"M{place(0, now)}"
    for step, value in enumerate(values):
        if not math.isfinite(value):
            break
        path += f"L{place(step + 1, value)}"
    return path
