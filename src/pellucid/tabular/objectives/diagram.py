"""The diagram of what expresses what, drawn from the computed matrix."""

from collections.abc import Mapping, Sequence
from html import escape

from pellucid.tabular.objectives.formalisms import GROUPS, names
from pellucid.tabular.objectives.hierarchy import Cell, covers

WIDTH, ROW, BOX, TOP = 640, 84, 34, 24
LETTER = 8.8
"""Width of a letter in pixels, for boxes that fit their words."""


def diagram_svg(cells: Mapping[tuple[str, str], Cell]) -> str:
    """Return the diagram as an SVG picture: a line goes down to what is expressed too.

    Args:
        cells: The computed matrix.
    """
    edges = covers(dict(cells))
    rows = layers(edges)
    places = _places(rows, edges)
    height = TOP + ROW * (len(rows) - 1) + BOX + 34
    parts = [
        _line(places[upper], places[lower])
        for upper, lower in sorted(edges, key=lambda e: (GROUPS.index(e[0]), GROUPS.index(e[1])))
    ]
    parts += [_box(names(group), places[group]) for group in GROUPS]
    parts.append(
        f'<text x="{WIDTH / 2:g}" y="{height - 10}" text-anchor="middle" font-size="13">'
        "a line down: everything that the lower one can express, the upper one can too</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="14" fill="#222">'
        f"<title>{escape(sentence(edges))}</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def layers(edges: set[tuple[str, str]]) -> list[list[str]]:
    """Return the classes in rows, in the order of `GROUPS`: no line runs within a row.

    A class stands as low as what is below it allows, so that lines do not pass by other classes.
    """
    depth = dict.fromkeys(GROUPS, 0)
    for _ in GROUPS:
        for upper, lower in edges:
            depth[lower] = max(depth[lower], depth[upper] + 1)
    for _ in GROUPS:
        for group in GROUPS:
            below = [depth[lower] for upper, lower in edges if upper == group]
            depth[group] = min(below) - 1 if below else depth[group]
    return [
        [group for group in GROUPS if depth[group] == level]
        for level in range(max(depth.values()) + 1)
    ]


def _places(
    rows: Sequence[Sequence[str]], edges: set[tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Return where each class stands: rows evenly, one alone over what is below it."""
    across = {
        group: WIDTH * (2 * i + 1) / (2 * len(row)) for row in rows for i, group in enumerate(row)
    }
    for row in reversed(rows):
        below = [across[lower] for upper, lower in edges if upper == row[0]]
        if len(row) == 1 and below:
            across[row[0]] = sum(below) / len(below)
    return {
        group: (across[group], TOP + BOX / 2 + ROW * depth)
        for depth, row in enumerate(rows)
        for group in row
    }


def sentence(edges: set[tuple[str, str]]) -> str:
    """Return the edges in words, for those who cannot see the picture."""
    parts = []
    for group in GROUPS:
        below = [names(lower) for upper, lower in sorted(edges) if upper == group]
        if below:
            parts.append(f"{names(group)} above {' and '.join(below)}")
    return "; ".join(parts)


def _line(start: Sequence[float], end: Sequence[float]) -> str:
    return (
        f'<line x1="{start[0]:g}" y1="{start[1] + BOX / 2:g}" x2="{end[0]:g}" '
        f'y2="{end[1] - BOX / 2:g}" stroke="#888" stroke-width="1.5"/>'
    )


def _box(words: str, place: Sequence[float]) -> str:
    width = max(56.0, LETTER * len(words) + 20)
    x, y = place[0] - width / 2, place[1] - BOX / 2
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{BOX}" rx="6" fill="#F2F2F2" '
        f'stroke="#555"/><text x="{place[0]:g}" y="{place[1] + 5:g}" text-anchor="middle">'
        f"{escape(words)}</text>"
    )
