"""Draws charts as inline SVG: themable, printable, selectable, about one kilobyte each."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.charts import Chart, FuturesChart, StretchChart
from pellucid.explanation.plots.dose_drawing import dose_marks
from pellucid.explanation.plots.fan_drawing import fan_marks
from pellucid.explanation.plots.fronts import FrontChart
from pellucid.explanation.plots.graph_drawing import graph_svg
from pellucid.explanation.plots.graphs import GraphChart
from pellucid.explanation.plots.map_drawing import map_svg
from pellucid.explanation.plots.maps import MapChart
from pellucid.explanation.plots.marks import (
    Axis,
    axis_over,
    band_marks,
    dot,
    interval_marks,
    line,
    picture,
    text,
)
from pellucid.explanation.plots.pair_drawing import pair_marks
from pellucid.explanation.plots.rows import MAX_ROWS, Band, DotChart, DotRow
from pellucid.explanation.plots.rule_lists import RulesChart
from pellucid.explanation.wording import show

ROW = 40
LABEL = 14
LINE = 27
LABEL_LETTERS = 26
SHORT_LETTERS = 15
STRETCH_HEIGHT = 150
FRONT_HEIGHT = 190
FUTURES_TOP = 30
FUTURES_ROW = 64


def chart_svg(chart: Chart, *, rows: int = MAX_ROWS) -> str:
    """Return a chart as one `<svg>` element.

    Args:
        chart: The chart.
        rows: Rows drawn; the others are in the table.
    """
    if isinstance(chart, GraphChart):
        return graph_svg(chart)
    if isinstance(chart, MapChart):
        return map_svg(chart)
    draw: Mapping[str, Callable[[Any, int], tuple[str, int]]] = {
        "dots": _dots,
        "stretches": _stretches,
        "futures": _futures,
        "front": _front,
        "pairs": pair_marks,
        "rules": _rules,
        "fans": fan_marks,
        "doses": dose_marks,
    }
    inner, height = draw[chart.form](chart, rows)
    return picture(inner, height, chart.sentence)


def _dots(chart: DotChart, rows: int) -> tuple[str, int]:
    shown = chart.rows[:rows]
    band = (chart.band.value, chart.band.low, chart.band.high) if chart.band else ()
    axis = axis_over([*(v for r in shown for v in (r.value, r.low, r.high)), *band])
    parts = []
    for index, row in enumerate(shown):
        top = index * ROW
        parts.append(text(clip(visible(row.label), LABEL_LETTERS), 0, top + LABEL))
        parts.append(text(row.text, 100, top + LABEL, "end", "c-n"))
        parts.append(_track(row, chart.band, axis, top))
    height = len(shown) * ROW + 4
    ends, extra = _ends(chart, axis, height)
    return "".join(parts) + ends, height + extra


def _rules(chart: RulesChart, rows: int) -> tuple[str, int]:
    return _dots(chart.dots(), rows)


def _track(row: DotRow, band: Band | None, axis: Axis, top: float) -> str:
    y = top + LINE
    return (
        band_marks(band, axis, y - 7, 14)
        + line(0, y, 100, y, "c-k")
        + line(axis.at(0), y - 7, axis.at(0), y + 7, "c-z")
        + interval_marks(row, axis, y)
    )


def _ends(chart: DotChart, axis: Axis, top: float) -> tuple[str, int]:
    y = top + 10
    zero = axis.at(0)
    parts = []
    if zero > 8 and not chart.left.startswith("no "):
        parts.append(text("0", zero, y, "middle", "c-m"))
    left = chart.left if chart.left else ("0" if zero <= 8 else "")
    if left:
        parts.append(text(clip(visible(left), LABEL_LETTERS), 0, y, "start", "c-m"))
    if chart.right:
        parts.append(text(clip(visible(chart.right), LABEL_LETTERS), 100, y, "end", "c-m"))
    return "".join(parts), 16 if parts else 0


def _stretches(chart: StretchChart, rows: int) -> tuple[str, int]:
    """Stretches are few and their places matter, so all are drawn."""
    band = (chart.band.value, chart.band.low, chart.band.high) if chart.band else ()
    up = axis_over([*(v for r in chart.rows for v in (r.value, r.low, r.high)), *band])
    along = Axis(0.0, float(chart.n_steps), 9.0, 99.0)

    def y(value: float) -> float:
        share = (value - up.low) / (up.high - up.low)
        return round(12 + (1 - share) * (STRETCH_HEIGHT - 24), 1)

    parts = [_level_band(chart.band, y), line(9, y(0), 99, y(0), "c-z")]
    parts.append(text(show(up.high), 8, y(up.high) + 4, "end", "c-m"))
    parts.append(text("0", 8, y(0) + 4, "end", "c-m"))
    for row in sorted(chart.rows, key=lambda r: r.decisive):  # the decisive one lies on top
        start, stop = along.at(row.start), along.at(row.stop)
        kind = "c-s c-s1" if row.decisive else "c-s"
        middle = (start + stop) / 2
        if math.isfinite(row.value):
            parts.append(line(start, y(row.value), stop, y(row.value), kind))
        if math.isfinite(row.low) and math.isfinite(row.high):
            kind = "c-i" if row.decisive else "c-e"
            parts.append(line(middle, y(row.low), middle, y(row.high), kind))
        if row.decisive:
            parts.append(text("decisive", middle, max(y(row.high) - 4, 9), "middle", "c-n"))
    below = STRETCH_HEIGHT + 8
    parts.append(text("step 0", 9, below, "start", "c-m"))
    parts.append(text(f"step {chart.n_steps}", 99, below, "end", "c-m"))
    return "".join(parts), STRETCH_HEIGHT + 14


def _front(chart: FrontChart, rows: int) -> tuple[str, int]:
    """Sizes are few and their order matters, so all are drawn; a return has no meaningful zero."""
    values = [v for r in chart.rows for v in (r.value, r.low, r.high)]
    finite = [v for v in (*values, chart.agent, chart.limit) if math.isfinite(v)] or [0.0]
    low, high = min(finite), max(finite)
    up = Axis(low, high if high > low else low + 1.0)
    # sizes double along the front: evenly spaced, named below
    step = 78.0 / max(1, len(chart.rows) - 1)

    def y(value: float) -> float:
        share = (value - up.low) / (up.high - up.low)
        return round(22 + (1 - share) * (FRONT_HEIGHT - 44), 1)

    parts = []
    apart = abs(y(chart.agent) - y(chart.limit)) if math.isfinite(chart.limit) else 0.0
    for value, words, kind in ((chart.agent, "agent", "c-e"), (chart.limit, "limit", "c-l")):
        if math.isfinite(value):
            parts.append(line(9, y(value), 99, y(value), kind))
            below = words == "limit" and apart < 18
            parts.append(text(words, 99, y(value) + (13 if below else -4), "end", "c-m"))
    ends = sorted({low, high}) if high > low else [low]
    parts += [text(show(value), 8, y(value) + 4, "end", "c-m") for value in ends]
    for index, row in enumerate(chart.rows):
        x = 12 + index * step
        parts.append(text(str(row.size), x, FRONT_HEIGHT, "middle", "" if row.picked else "c-m"))
        if math.isfinite(row.low) and math.isfinite(row.high):
            kind = "c-i" if row.picked else "c-e"
            parts.append(line(x, y(row.low), x, y(row.high), kind))
        if math.isfinite(row.value):
            parts.append(
                dot(x, y(row.value), "c-d" if row.picked else "c-o", 5 if row.picked else 4)
            )
        if row.picked:
            parts.append(text("this one", x, FRONT_HEIGHT + 15, "middle", "c-n"))
    words = chart.rows[0].label.partition(" ")[2] if chart.rows else ""
    # below the sizes, at the end where "this one" does not stand
    first_half = any(r.picked for r in chart.rows[: len(chart.rows) // 2])
    end = (100.0, "end") if first_half else (0.0, "start")
    parts.append(text(words, end[0], FRONT_HEIGHT + 15, end[1], "c-m"))
    return "".join(parts), FRONT_HEIGHT + 20


def _level_band(band: Band | None, y: Callable[[float], float]) -> str:
    if band is None or not math.isfinite(band.low) or not math.isfinite(band.high):
        return ""
    top, bottom = y(band.high), y(band.low)
    return (
        f'<rect class="c-b" x="9%" y="{top:g}" width="90%" height="{bottom - top:g}" '
        f'fill="#D9D9D9"/>{line(9, top, 99, top, "c-e")}{line(9, bottom, 99, bottom, "c-e")}'
    )


def _futures(chart: FuturesChart, rows: int) -> tuple[str, int]:
    shown = chart.rows[:rows]
    values = [v for r in shown for d in (r.first, r.second) for v in (d.value, d.low, d.high)]
    # mirrored in place, not in direction: both sides read from left to right on one scale, since
    # a reversed axis makes a loss on one side look like a gain on the other
    sides = (axis_over(values, left=1.5, right=46.5), axis_over(values, left=53.5, right=98.5))
    parts = []
    for arm, side, end in ((0, 0.0, 48.0), (1, 52.0, 100.0)):
        words = clip(visible(chart.arms[arm]), SHORT_LETTERS)
        parts.append(text(f"after {words}", side, LABEL, "start", "c-h"))
        parts.append(line(side, 22, end, 22, "c-h"))
    for index, row in enumerate(shown):
        parts.append(
            _future_row(
                row.label, (row.first, row.second), sides, FUTURES_TOP + index * FUTURES_ROW
            )
        )
    return "".join(parts), FUTURES_TOP + len(shown) * FUTURES_ROW


def _future_row(label: str, dots: Sequence[DotRow], sides: Sequence[Axis], top: float) -> str:
    parts = [text(clip(visible(label), LABEL_LETTERS), 0, top + LABEL)]
    for row, axis, left, right in zip(dots, sides, (0.0, 52.0), (48.0, 100.0), strict=True):
        y = top + 44
        parts.append(text(row.text, right, top + LABEL + 17, "end", "c-n"))
        parts.append(line(left, y, right, y, "c-k"))
        parts.append(line(axis.at(0), y - 7, axis.at(0), y + 7, "c-z"))
        parts.append(interval_marks(row, axis, y))
    return "".join(parts)


# --- badges and style ---

_BADGE_SHAPES = {
    "supported": '<circle cx="8" cy="8" r="6" fill="currentColor"/>',
    "weak": (
        '<circle cx="8" cy="8" r="5.4" fill="none" stroke="currentColor" stroke-width="1.4"/>'
        '<path d="M8 2.6a5.4 5.4 0 0 0 0 10.8z" fill="currentColor"/>'
    ),
    "failed": (
        '<path d="M3 3l10 10M13 3L3 13" fill="none" stroke="currentColor" stroke-width="2"/>'
    ),
    "not_measured": (
        '<circle cx="8" cy="8" r="5.4" fill="none" stroke="currentColor" stroke-width="1.4" '
        'stroke-dasharray="2.4 1.9"/>'
    ),
}


def badge_svg(badge: str) -> str:
    """Return the shape of a badge; the word beside it is the caller's."""
    return (
        '<svg class="shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" '
        f'focusable="false" xmlns="http://www.w3.org/2000/svg">{_BADGE_SHAPES[badge]}</svg>'
    )


def chart_css(scope: str = "") -> str:
    """Return the rules of a chart's classes, each prefixed with `scope`.

    They use the variables `--text`, `--muted`, `--toward`, `--away`, `--band`, `--edge`, `--rule`.
    """
    rules = {
        ".c": "display:block;max-width:100%;overflow:visible;font-size:13px;"
        "font-variant-numeric:tabular-nums",
        ".c text": "fill:var(--text)",
        ".c .c-m": "fill:var(--muted);font-size:12px",
        ".c .c-n": "fill:var(--muted)",
        ".c text.c-h": "font-weight:600",
        ".c line.c-h": "stroke:var(--edge);stroke-width:1",
        ".c .c-k": "stroke:var(--rule);stroke-width:1",
        ".c .c-z": "stroke:var(--muted);stroke-width:1",
        ".c .c-i": "stroke:var(--text);stroke-width:2",
        ".c .c-d": "fill:var(--text)",
        ".c .c-q": "fill:none;stroke:var(--text);stroke-width:1.3",
        ".c path.c-h": "stroke:var(--edge);stroke-width:1",
        ".c .c-w": "font-weight:600",
        ".c line.c-t": "stroke:var(--toward)",
        ".c circle.c-t": "fill:var(--toward)",
        ".c rect.c-t": "fill:var(--toward)",
        ".c line.c-a": "stroke:var(--away)",
        ".c circle.c-a": "fill:var(--away)",
        ".c rect.c-a": "fill:var(--away)",
        ".c .c-e1": "fill:none;stroke:var(--edge);stroke-width:1.2",
        ".c .c-y": "fill:none;stroke:var(--rule);stroke-width:1",
        ".c .c-y1": "fill:none;stroke:var(--text);stroke-width:2.6",
        ".c .c-b": "fill:var(--band)",
        ".c .c-e": "stroke:var(--edge);stroke-width:1",
        ".c .c-s": "stroke:var(--edge);stroke-width:3",
        ".c .c-s1": "stroke:var(--text);stroke-width:5",
        ".c .c-l": "stroke:var(--text);stroke-width:1;stroke-dasharray:5 4",
        ".c .c-g": "fill:none;stroke:var(--muted)",
        ".c .c-u": "stroke-dasharray:5 3",
        ".c .c-a1": "fill:var(--muted)",
        ".c .c-p": "fill:none;stroke:var(--text);stroke-width:1.4",
    }
    return "".join(f"{scope}{name}{{{rule}}}" for name, rule in rules.items())
