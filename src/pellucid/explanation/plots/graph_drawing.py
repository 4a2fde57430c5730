"""Draws a graph as inline SVG: its nodes in a column, its transitions as arcs beside it.

Sizes are in pixels, as for trees: a narrow page scrolls the drawing in its box.
"""

from html import escape

from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.graphs import GraphChart, GraphEdge
from pellucid.explanation.wording import show

LINE = 34
TOP = 22
LABEL_LETTERS = 48
LETTER = 7.3
BEND = 16
"""How far an arc bulges per node that it passes, in pixels."""
LEAST_BEND = 22
RADIUS = 5


def graph_svg(chart: GraphChart) -> str:
    """Return a graph as one `<svg>` element.

    Args:
        chart: At least one node.
    """
    labels = [
        f"{clip(visible(n.label), LABEL_LETTERS)}  {_percent(n.occupancy)}" for n in chart.rows
    ]
    column = round(LETTER * max(len(label) for label in labels)) + 14
    width = column + 30 + max((_bend(e) for e in chart.edges), default=0)
    height = TOP + LINE * len(chart.rows)
    parts = [_edge(edge, column) for edge in reversed(chart.edges)]
    for position, label in enumerate(labels):
        y = _line(position)
        parts.append(f'<circle class="c-d" cx="{column}" cy="{y}" r="{RADIUS}"/>')
        parts.append(
            f'<text x="{column - 14}" y="{y + 4.5:g}" text-anchor="end">{escape(label)}</text>'
        )
    sentence = escape(visible(chart.sentence), quote=True)
    return (
        f'<svg class="c graph" role="img" aria-label="{sentence}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" fill="currentColor" '
        f'font-size="13" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _percent(share: float) -> str:
    return f"{show(share)} %"


def _line(position: int) -> int:
    return TOP + LINE * position


def _bend(edge: GraphEdge) -> int:
    return LEAST_BEND + BEND * abs(edge.stop - edge.start)


def _edge(edge: GraphEdge, column: int) -> str:
    """Return an arc with its head: down is solid, up is dashed; the more frequent the thicker."""
    down = edge.stop > edge.start
    lean = 4 if down else -4
    start, stop = _line(edge.start) + lean, _line(edge.stop) - lean
    x, far = column + RADIUS + 2, column + RADIUS + 2 + _bend(edge) * 4 / 3
    kind = "c-g" if down else "c-g c-u"
    thick = 1 + 2.5 * min(edge.share, 100.0) / 100
    dashes = "" if down else ' stroke-dasharray="5 3"'
    return (
        f'<path class="{kind}" d="M{x} {start}C{far:g} {start} {far:g} {stop} {x + 6} {stop}" '
        f'fill="none" stroke="#595959" stroke-width="{thick:.2g}"{dashes}/>'
        f'<path class="c-a1" d="M{x} {stop}l8 -4v8z"/>'
    )
