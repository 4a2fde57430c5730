"""Draws a map as inline SVG: one square per cell, its colour by sign and its strength by size.

Sizes are in pixels, as for trees: a narrow page scrolls the drawing in its box.
"""

from html import escape

from pellucid.explanation.outside import visible
from pellucid.explanation.plots.maps import MapCell, MapChart

LARGEST, SMALLEST, WIDEST = 46, 12, 560
LETTERS_FIT = 34
"""Side of a square from which on its number fits in."""
FAINT = 0.03
"""Share of the strongest colour below which a square stays empty."""


def map_svg(chart: MapChart) -> str:
    """Return a map as one `<svg>` element.

    Args:
        chart: At least one cell.
    """
    side = max(SMALLEST, min(LARGEST, WIDEST // max(1, chart.n_columns)))
    most = max((abs(cell.shade) for cell in chart.rows), default=0.0)
    width, height = side * chart.n_columns + 2, side * chart.n_rows + 2
    # the cell where the choice is made is drawn last, so that its edge lies on top
    cells = sorted(chart.rows, key=lambda cell: cell.here)
    parts = [_square(cell, side, most) for cell in cells]
    sentence = escape(visible(chart.sentence), quote=True)
    return (
        f'<svg class="c graph" role="img" aria-label="{sentence}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" fill="currentColor" '
        f'font-size="11" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _square(cell: MapCell, side: int, most: float) -> str:
    x, y = 1 + side * cell.column, 1 + side * cell.row
    strength = abs(cell.shade) / most if most else 0.0
    edge = (
        f'<rect class="{"c-y1" if cell.here else "c-y"}" x="{x}" y="{y}" width="{side}" '
        f'height="{side}" fill="none" stroke="#8A8A8A"/>'
    )
    if strength < FAINT:
        return edge
    tone, colour = ("c-t", "#005A94") if cell.shade > 0 else ("c-a", "#CC5F00")
    # at most two thirds, so that the number on it stays readable
    filled = (
        f'<rect class="{tone}" x="{x}" y="{y}" width="{side}" height="{side}" fill="{colour}" '
        f'fill-opacity="{0.08 + 0.55 * strength:.2f}"/>'
    )
    if side < LETTERS_FIT:
        return filled + edge
    middle, base = x + side / 2, y + side / 2 + 4
    number = f"{cell.shade:+.2g}".replace("-", "\u2212")
    return f'{filled}{edge}<text x="{middle:g}" y="{base:g}" text-anchor="middle">{number}</text>'
