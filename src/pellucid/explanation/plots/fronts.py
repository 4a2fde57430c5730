"""What the chart of a stand-in shows: its rules, its tree, and what stand-ins of each size earn."""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pellucid.explanation.content import Surrogate
from pellucid.explanation.plots.rows import DotRow, read_ends
from pellucid.explanation.programs import export_json
from pellucid.explanation.wording import show
from pellucid.io.strict_json import finite_or_text
from pellucid.kernels.cart import LEAF

MOST_NODES = 31
"""Nodes of a tree that are drawn; the rules hold the rest."""
_PARTS = {"tree": ("leaf", "leaves"), "formula": ("term", "terms")}


@dataclass(frozen=True)
class FrontPoint:
    """A stand-in of one size and its mean return."""

    label: str
    size: int
    value: float
    low: float
    high: float
    picked: bool


@dataclass(frozen=True)
class TreeNode:
    """One node of a tree that is drawn.

    Args:
        number: From 1, in the order of the rules.
        parent: Number of the node above it, 0 for the root.
        branch: `yes` or `no`, the answer that leads here; empty for the root.
        kind: `question`, `choice`, or `cut` for a part of the tree that is not drawn.
        words: What it asks or chooses, or how much is cut.
    """

    number: int
    parent: int
    branch: str
    kind: str
    words: str


@dataclass(frozen=True)
class FrontChart:
    """A stand-in as rules, and what stand-ins of each size earn.

    Args:
        title: What is shown, with n.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: What one unit of return is called.
        rules: One rule per line.
        code: The stand-in as Python source.
        rows: Smallest first, the best of each size.
        agent: Mean return of the agent, NaN if unknown.
        limit: Mean return that a stand-in needs, NaN if unknown.
        document: The stand-in as JSON; empty if it is no tree.
        nodes: Its upper nodes, at most 31, the root first; empty if it is no tree.
        n_nodes: All its nodes.
        tree_sentence: The tree in one sentence, for those who cannot see it.
    """

    form: ClassVar[str] = "front"
    title: str
    sentence: str
    unit: str
    rules: tuple[str, ...]
    code: str
    rows: tuple[FrontPoint, ...]
    agent: float
    limit: float
    document: str = ""
    nodes: tuple[TreeNode, ...] = ()
    n_nodes: int = 0
    tree_sentence: str = ""


def surrogate_chart(content: Surrogate, unit: str) -> FrontChart:
    """Return the front with the best of each size; the one that was picked stands for its own.

    Args:
        content: The stand-in.
        unit: What one unit of return is called.
    """
    kept: dict[int, int] = {}
    order = sorted(range(len(content.returns)), key=lambda i: (-content.returns[i], i))
    for index in [content.picked, *order] if content.picked >= 0 else order:
        kept.setdefault(int(content.complexity[index]), index)
    known = len(content.return_lows) == len(content.returns)
    rows = tuple(
        FrontPoint(
            f"{size} {_PARTS.get(content.form, ('part', 'parts'))[size != 1]}",
            size,
            float(content.returns[index]),
            float(content.return_lows[index]) if known else math.nan,
            float(content.return_highs[index]) if known else math.nan,
            index == content.picked,
        )
        for size, index in sorted(kept.items())
    )
    limit = content.agent_return - content.return_limit
    shown = [DotRow(r.label, r.value, r.low, r.high) for r in rows if r.picked or len(rows) == 1]
    picked = "".join(f"With {r.label} it earns {r.text}; " for r in shown[:1])
    same = f" in the same {content.n_episodes} episodes" if content.n_episodes else ""
    nodes = drawn_nodes(content)
    return FrontChart(
        title=f"What a {content.form} of each size earns{same}, and what it needs to earn",
        sentence=f"{picked}the agent earns {show(content.agent_return)}, the limit is "
        f"{show(limit)}.",
        unit=unit,
        rules=content.rules,
        code=content.code,
        rows=rows,
        agent=content.agent_return,
        limit=limit,
        document=export_json(content) if len(content.features) else "",
        nodes=nodes,
        n_nodes=len(content.features),
        tree_sentence=_tree_sentence(content, nodes),
    )


def drawn_nodes(content: Surrogate, most: int = MOST_NODES) -> tuple[TreeNode, ...]:
    """Return the upper nodes of a tree, level by level as far as there is room.

    Args:
        content: The stand-in; one without the arrays of a tree has no nodes.
        most: Nodes at most.
    """
    n_leaves = int((content.features == LEAF).sum())
    if not n_leaves or len(content.rules) != 3 * n_leaves - 2:
        return ()
    drawn = _upper(content, most)
    words = _words(content)
    numbers: dict[int, int] = {}
    nodes = []
    for node, parent, branch in _walk(content):
        if node not in drawn:
            continue
        numbers[node] = len(numbers) + 1
        kind, said = "question", words[node]
        if content.features[node] == LEAF:
            kind = "choice"
        elif int(content.children[node, 0]) not in drawn:
            kind, said = "cut", f"{_n_leaves(content, node)} more leaves"
        nodes.append(TreeNode(numbers[node], numbers.get(parent, 0), branch, kind, said))
    return tuple(nodes)


def read_front(data: Mapping[str, Any]) -> FrontChart:
    """Return the chart of a stand-in from its JSON form."""
    names = ("title", "sentence", "unit", "code", "document", "n_nodes", "tree_sentence")
    return FrontChart(
        **{name: data[name] for name in names},
        rules=tuple(data["rules"]),
        rows=tuple(
            FrontPoint(row["label"], row["size"], *read_ends(row), row["picked"])
            for row in data["rows"]
        ),
        agent=finite_or_text(data["agent"]),
        limit=finite_or_text(data["limit"]),
        nodes=tuple(TreeNode(**node) for node in data["nodes"]),
    )


# --- the tree ---


def _walk(content: Surrogate) -> Iterator[tuple[int, int, str]]:
    """Yield each node with its parent and the answer that leads to it, in the order of reading."""
    stack = [(0, LEAF, "")]
    while stack:
        node, parent, branch = stack.pop()
        yield node, parent, branch
        if content.features[node] != LEAF:
            left, right = (int(child) for child in content.children[node])
            stack += [(right, node, "no"), (left, node, "yes")]


def _upper(content: Surrogate, most: int) -> set[int]:
    drawn, waiting = {0}, deque([0])
    while waiting and len(drawn) + 2 <= most:
        node = waiting.popleft()
        if content.features[node] != LEAF:
            pair = [int(child) for child in content.children[node]]
            drawn.update(pair)
            waiting.extend(pair)
    return drawn


def _words(content: Surrogate) -> dict[int, str]:
    """Return what each node asks or chooses, as its line of the rules says it.

    The lines are in the order of reading; a question has a second line, for the answer no, which
    stands where its first part ends.
    """
    found: dict[int, str] = {}
    position = 0
    stack: list[int | None] = [0]
    while stack:
        node = stack.pop()
        line = content.rules[position].strip()
        position += 1
        if node is None:
            continue
        if content.features[node] == LEAF:
            found[node] = line
            continue
        found[node] = line.removeprefix("if ").removesuffix(":")
        left, right = (int(child) for child in content.children[node])
        stack += [right, None, left]
    return found


def _n_leaves(content: Surrogate, node: int) -> int:
    count, stack = 0, [node]
    while stack:
        at = stack.pop()
        if content.features[at] == LEAF:
            count += 1
        else:
            stack += [int(child) for child in content.children[at]]
    return count


def _tree_sentence(content: Surrogate, nodes: tuple[TreeNode, ...]) -> str:
    if not nodes:
        return ""
    first = nodes[0]
    asks = f"it asks first: {first.words}" if first.kind == "question" else "it never asks"
    return f"A tree of {content.n_parts} leaves; {asks}."
