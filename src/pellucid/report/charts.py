"""Charts of episodes: all returns as dots with their mean, and inputs over the steps of one."""

import math
from collections.abc import Sequence

from pellucid.explanation.plots.marks import Axis, dot, interval_marks, line, picture, text
from pellucid.explanation.plots.rows import DotRow
from pellucid.explanation.wording import show
from pellucid.report.said import Document

DOT_RADIUS = 3.5
LANES = 5
LANE = 8
MAX_CROSSES = 30
PLOT_WIDTH = 600.0
SERIES_HEIGHT = 44.0


def returns_svg(document: Document) -> str:
    """Return all returns as a strip of dots, the mean with interval below, excluded as crosses.

    The crosses stand apart: what a broken episode had earned so far is not a return.
    """
    rows = document["episodes"]["rows"]
    scored = [r["return"] for r in rows if r["used"] and _finite(r["return"])]
    n_lost = sum(not r["used"] for r in rows)
    mean = document["return"]
    value, low, high = (number(mean[key]) for key in ("mean", "low", "high"))
    row = DotRow("mean", value, low, high)
    axis = _returns_axis([*scored, row.value, row.low, row.high])
    middle = 12.0 + (LANES - 1) * LANE / 2
    lanes = _lanes([axis.at(value) for value in scored])
    parts = [
        dot(axis.at(v), middle + offset * LANE, "c-o", DOT_RADIUS)
        for v, offset in zip(scored, lanes, strict=True)
    ]
    y = 12.0 + LANES * LANE + 14
    below = y + 24
    parts += [line(0, y, 100, y, "c-k"), interval_marks(row, axis, y, 5)]
    for value in sorted({min(scored), max(scored)}) if scored else ():
        parts.append(text(show(value), axis.at(value), below, _anchor(axis.at(value)), "c-m"))
    if axis.low < 0 < axis.high:
        parts.append(line(axis.at(0), 4, axis.at(0), y + 6, "c-z"))
        parts.append(text("0", axis.at(0), below, "middle", "c-m"))
    if n_lost:
        below += 24
        parts += [_cross(1.5 + 2.5 * i, below - 4) for i in range(min(n_lost, MAX_CROSSES))]
    sentence = f"Returns of {len(scored)} episodes; mean {row.text}; {n_lost} excluded."
    return picture("".join(parts), int(below + 8), sentence)


def series_svg(series: Document) -> str:
    """Return one input over the steps of an episode; gaps stay gaps."""
    values = [number(v) for v in series["values"]]
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    spread = (high - low) or 1.0
    last = max(series["steps"][-1], 1)
    path, pen_down = "", False
    for step, value in zip(series["steps"], values, strict=True):
        if not math.isfinite(value):
            pen_down = False
            continue
        x = PLOT_WIDTH * step / last
        y = SERIES_HEIGHT - 3 - (SERIES_HEIGHT - 6) * (value - low) / spread
        path += f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}"
        pen_down = True
    sentence = f"{series['name']} goes from {show(finite[0])} to {show(finite[-1])}."
    inner = (
        f'<svg x="0" y="0" width="100%" height="{SERIES_HEIGHT:g}" preserveAspectRatio="none" '
        f'viewBox="0 0 {PLOT_WIDTH:g} {SERIES_HEIGHT:g}"><path class="c-p" d="{path}" fill="none" '
        'stroke="currentColor" vector-effect="non-scaling-stroke"/></svg>'
    )
    return picture(inner, int(SERIES_HEIGHT), sentence)


def _lanes(places: Sequence[float]) -> list[int]:
    """Spread dots that would cover each other over lanes around the middle."""
    order = [0, -1, 1, -2, 2]
    last = dict.fromkeys(order, -math.inf)
    lanes = [0] * len(places)
    for index in sorted(range(len(places)), key=lambda i: places[i]):
        free = [lane for lane in order if places[index] - last[lane] > 1.3]
        lane = free[0] if free else min(order, key=lambda key: last[key])
        lanes[index] = lane
        last[lane] = places[index]
    return lanes


def _returns_axis(values: Sequence[float]) -> Axis:
    """Unlike an effect, a return has no meaningful zero: the axis covers what occurred."""
    finite = [v for v in values if math.isfinite(v)] or [0.0]
    low, high = min(finite), max(finite)
    return Axis(low, high) if high > low else Axis(low - 1.0, high + 1.0)


def _anchor(place: float) -> str:
    if place > 90:
        return "end"
    return "start" if place < 10 else "middle"


def _cross(x: float, y: float) -> str:
    return (
        f'<svg x="{x:g}%" y="{y:g}" width="1" height="1" overflow="visible">'
        '<path class="c-x" d="M-4 -4L4 4M4 -4L-4 4" fill="none" stroke="currentColor"/></svg>'
    )


def number(value: object) -> float:
    """Return a number of the document; NaN where it holds the word for one, or nothing."""
    return float(value) if isinstance(value, (int, float)) else math.nan


def _finite(value: object) -> bool:
    return math.isfinite(number(value))
