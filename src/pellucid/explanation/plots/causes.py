"""The chart of a graph of causes: how strong each edge is, those of the chain first."""

import numpy as np

from pellucid.explanation.content import Graph
from pellucid.explanation.plots.rows import DotChart, DotRow


def causes_chart(content: Graph) -> DotChart | None:
    """Return the effect of every edge under the action where it is largest.

    Args:
        content: A graph of causes; the chart is None if it has no edges.
    """
    n_actions, n_nodes, _ = content.effects.shape
    pairs = [
        (i, j) for i in range(n_nodes) for j in range(n_nodes) if content.effects[:, i, j].any()
    ]
    if not pairs:
        return None
    chain = list(zip(content.chain[:-1].tolist(), content.chain[1:].tolist(), strict=True))
    largest = np.abs(content.effects).max(axis=0)
    own = [pair for pair in chain if pair in pairs]
    others = sorted((pair for pair in pairs if pair not in own), key=lambda p: -largest[p])
    rows = tuple(_row(content, source, target) for source, target in (*own, *others))
    path = " → ".join(content.node_names[i] for i in content.chain)
    about = ", the chain first" if path else ""
    told = f"The chain is {path}; " if path else ""
    return DotChart(
        title=f"What moves what, {len(rows)} edges under {n_actions} actions{about}",
        sentence=f"{told}{rows[0].label}: {rows[0].text} of the spread of what it moves.",
        unit="share of the spread of what is moved",
        left="← against",
        right="along →",
        rows=rows,
    )


def _row(content: Graph, source: int, target: int) -> DotRow:
    values = content.effects[:, source, target]
    action = int(np.abs(values).argmax())
    always = bool((values != 0).all())
    under = "" if always else f", under {content.action_names[action]}"
    into = "itself" if source == target else content.node_names[target]
    value = float(values[action])
    return DotRow(
        f"{content.node_names[source]} → {into}{under}",
        value,
        float(content.effect_lows[action, source, target]),
        float(content.effect_highs[action, source, target]),
        "toward" if value > 0 else "away",
    )
