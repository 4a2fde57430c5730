"""The marks that charts are drawn with: axes, lines, dots, intervals, bands and lines of text.

Positions across are percentages and text keeps its size, so a chart fills any width without
scaling its letters. Colours come from classes; the attributes are the fallback where a page strips
the style sheet. No style attributes: the report's content policy forbids them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from pellucid.explanation.outside import visible
from pellucid.explanation.plots.rows import Band, DotRow


@dataclass(frozen=True)
class Axis:
    """Maps values to percent of the width, with room at both ends for half a dot."""

    low: float
    high: float
    left: float = 1.5
    right: float = 98.5

    def at(self, value: float) -> float:
        """Return the position of a value in percent."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.left + share * (self.right - self.left), 2)


def axis_over(values: Iterable[float], *, left: float = 1.5, right: float = 98.5) -> Axis:
    """Return an axis that covers the finite values and zero."""
    finite = [v for v in values if math.isfinite(v)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    if low == high:
        high = low + 1.0
    return Axis(low, high, left, right)


def picture(inner: str, height: int, sentence: str) -> str:
    """Return an `<svg>` of full width with a sentence for those who cannot see it."""
    label = escape(visible(sentence), quote=True)
    return (
        f'<svg class="c" role="img" aria-label="{label}" width="100%" height="{height}" '
        f'fill="currentColor" font-size="13" xmlns="http://www.w3.org/2000/svg">{inner}</svg>'
    )


def text(words: str, x: float, y: float, anchor: str = "start", kind: str = "") -> str:
    """Return a line of text at a percent across and a pixel down."""
    cls = f' class="{kind}"' if kind else ""
    return f'<text{cls} x="{x:g}%" y="{y:g}" text-anchor="{anchor}">{escape(visible(words))}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line; x in percent, y in pixels."""
    return (
        f'<line class="{kind}" x1="{x1:g}%" y1="{y1:g}" x2="{x2:g}%" y2="{y2:g}" '
        'stroke="currentColor"/>'
    )


def dot(x: float, y: float, kind: str, radius: float = 4.5) -> str:
    """Return a dot."""
    return f'<circle class="{kind}" cx="{x:g}%" cy="{y:g}" r="{radius:g}"/>'


def interval_marks(row: DotRow, axis: Axis, y: float, radius: float = 4.5) -> str:
    """Return the dot of a row with its interval; nothing where nothing was measured."""
    if not math.isfinite(row.value):
        return ""
    tone = {"plain": "", "toward": " c-t", "away": " c-a"}[row.tone]
    marks = ""
    if math.isfinite(row.low) and math.isfinite(row.high):
        marks = line(axis.at(row.low), y, axis.at(row.high), y, f"c-i{tone}")
    return marks + dot(axis.at(row.value), y, f"c-d{tone}", radius)


def band_marks(band: Band | None, axis: Axis, top: float, height: float) -> str:
    """Return the grey strip of the random baseline with its edge lines."""
    if band is None or not math.isfinite(band.value):
        return ""
    known = math.isfinite(band.low) and math.isfinite(band.high)
    low, high = (band.low, band.high) if known else (band.value, band.value)
    start, stop = axis.at(low), axis.at(high)
    strip = (
        f'<rect class="c-b" x="{start:g}%" y="{top:g}" width="{max(stop - start, 0.0):g}%" '
        f'height="{height:g}" fill="#D9D9D9"/>'
    )
    edges = (start,) if start == stop else (start, stop)
    return strip + "".join(line(x, top, x, top + height, "c-e") for x in edges)
