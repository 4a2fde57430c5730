"""Draws a tree as inline SVG, lying on its side.

Every node has a line of its own, with what follows from yes above it and what follows from no
below, so that labels never meet, however deep the tree is. Sizes are in pixels: letters that shrank
with the page could not be read, so a narrow page scrolls the drawing in its box.
"""

from collections.abc import Mapping, Sequence
from html import escape

from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.fronts import TreeNode

LINE = 24
INDENT = 34
MARGIN = 8
RADIUS = 4
NAME_LETTERS = 30
TEST_LETTERS = 22
LETTER = 7.3
"""Width of a letter that is wide for its size, in pixels."""


def tree_svg(nodes: Sequence[TreeNode], sentence: str) -> str:
    """Return a tree as one `<svg>` element.

    Args:
        nodes: In the order of reading, the root first; not empty.
        sentence: The tree in one sentence, for those who cannot see it.
    """
    lines = _lines(nodes)
    depths = _depths(nodes)
    places = {
        node.number: (MARGIN + INDENT * depths[node.number], MARGIN + 8 + LINE * lines[node.number])
        for node in nodes
    }
    parts = [_edge(places[node.parent], places[node.number]) for node in nodes if node.parent]
    parts += [_node(node, *places[node.number]) for node in nodes]
    width = max(places[n.number][0] + 14 + LETTER * len(_label(n)) for n in nodes) + MARGIN
    height = LINE * len(nodes) + 2 * MARGIN
    return (
        f'<svg class="c tree" role="img" aria-label="{escape(visible(sentence), quote=True)}" '
        f'width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" '
        'fill="currentColor" font-size="13" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )


def _depths(nodes: Sequence[TreeNode]) -> dict[int, int]:
    depths = {0: -1}
    for node in nodes:  # parents come first
        depths[node.number] = depths[node.parent] + 1
    return depths


def _lines(nodes: Sequence[TreeNode]) -> dict[int, int]:
    """Return the line of each node: between its two branches."""
    below: dict[int, list[int]] = {node.number: [] for node in nodes}
    for node in nodes:
        if node.parent:
            below[node.parent].append(node.number)
    order: list[int] = []
    stack: list[tuple[int, bool]] = [(nodes[0].number, False)]
    while stack:
        number, entered = stack.pop()
        if entered or not below[number]:
            order.append(number)
            continue
        yes, no = below[number]
        stack += [(no, False), (number, True), (yes, False)]
    return {number: line for line, number in enumerate(order)}


def _edge(parent: tuple[float, float], child: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = parent, child
    return f'<path class="c-h" d="M{x:g} {y:g}V{to_y:g}H{to_x:g}" fill="none" stroke="#8A8A8A"/>'


_MARKS: Mapping[str, str] = {"question": "c-q", "choice": "c-d", "cut": "c-q"}


def _node(node: TreeNode, x: float, y: float) -> str:
    branch = f'<tspan class="c-m">{node.branch}</tspan> ' if node.branch else ""
    words = escape(_words(node))
    kind = {"question": "", "choice": "c-w", "cut": "c-m"}[node.kind]
    cls = f' class="{kind}"' if kind else ""
    return (
        f'<circle class="{_MARKS[node.kind]}" cx="{x:g}" cy="{y:g}" r="{RADIUS}"/>'
        f'<text x="{x + 10:g}" y="{y + 4.5:g}">{branch}<tspan{cls}>{words}</tspan></text>'
    )


def _label(node: TreeNode) -> str:
    return f"{node.branch} {_words(node)}"


def _words(node: TreeNode) -> str:
    name, test, limit = visible(node.words).rpartition(" ≤ ")
    if not test or node.kind != "question":
        return clip(visible(node.words), NAME_LETTERS + TEST_LETTERS)
    return f"{clip(name, NAME_LETTERS)} ≤ {clip(limit, TEST_LETTERS)}?"
