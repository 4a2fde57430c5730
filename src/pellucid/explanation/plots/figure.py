"""Draws charts with Matplotlib for `Explanation.plot()`."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from pellucid.errors import CapabilityError
from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.charts import FuturesChart, StretchChart, content_chart
from pellucid.explanation.plots.doses import DoseChart
from pellucid.explanation.plots.fans import FanChart
from pellucid.explanation.plots.fronts import FrontChart
from pellucid.explanation.plots.graphs import GraphChart, GraphEdge
from pellucid.explanation.plots.maps import MapChart
from pellucid.explanation.plots.pairs import PairChart, PairRow
from pellucid.explanation.plots.rows import MAX_ROWS, Band, DotChart, DotRow
from pellucid.explanation.plots.rule_lists import RulesChart
from pellucid.explanation.wording import show

if TYPE_CHECKING:
    from pellucid.explanation.explanation import Explanation

TEXT, MUTED, RULE = "#1B1B1B", "#595959", "#8A8A8A"
TONES = {"plain": TEXT, "toward": "#005A94", "away": "#CC5F00"}
BAND, BAND_EDGE = "#D9D9D9", "#8A8A8A"
LABEL_LETTERS = 32


def explanation_figure(explanation: "Explanation") -> Figure:
    """Return the figure of an explanation's content.

    Raises:
        CapabilityError: There is no content, or nothing in it to draw.
    """
    chart = content_chart(explanation.content)
    if chart is None:
        kind = explanation.content.kind if explanation.content is not None else "nothing"
        raise CapabilityError(
            f"expected a content with something to draw, got {kind}",
            hint="use to_frame() instead",
        )
    draw: dict[str, Any] = {
        "dots": _dots,
        "stretches": _stretches,
        "futures": _futures,
        "front": _front,
        "pairs": _pairs,
        "rules": _rules,
        "graph": _graph,
        "map": _map,
        "fans": _fans,
        "doses": _doses,
    }
    figure: Figure = draw[chart.form](chart)
    figure.suptitle(
        f"{visible(explanation.question)}  [{explanation.badge.replace('_', ' ')}]",
        x=0.02, ha="left", fontsize=11, color=TEXT,
    )  # fmt: skip
    return figure


def _dots(chart: DotChart) -> Figure:
    rows = chart.rows[:MAX_ROWS]
    figure, (axes,) = _figure(1, len(rows))
    _rows(axes, rows, [row.label for row in rows])
    _band(axes, chart.band)
    ends = "      ".join(words for words in (chart.left, chart.right) if words)
    axes.set_xlabel(f"{chart.unit}      {visible(ends)}", color=MUTED, fontsize=9)
    axes.set_title(visible(chart.title), fontsize=9, color=MUTED, loc="left")
    return figure


def _futures(chart: FuturesChart) -> Figure:
    rows = chart.rows[:MAX_ROWS]
    figure, panels = _figure(2, len(rows))
    labels = [row.label for row in rows]
    for arm, axes in enumerate(panels):
        dots = [row.first if arm == 0 else row.second for row in rows]
        _rows(axes, dots, labels if arm == 0 else [""] * len(rows))
        axes.set_title(f"after {visible(chart.arms[arm])}", fontsize=9, color=MUTED, loc="left")
        axes.set_xlabel(chart.unit, color=MUTED, fontsize=9)
    panels[0].sharex(panels[1])
    panels[1].autoscale_view()
    return figure


def _stretches(chart: StretchChart) -> Figure:
    figure, (axes,) = _figure(1, 4)
    axes.axhline(0.0, color=RULE, linewidth=0.8)
    for row in chart.rows:
        width, colour = (3.0, TEXT) if row.decisive else (1.6, RULE)
        middle = (row.start + row.stop) / 2
        axes.plot([row.start, row.stop], [row.value] * 2, color=colour, linewidth=width)
        axes.plot([middle, middle], [row.low, row.high], color=colour, linewidth=1.0)
    axes.set_xlim(0, chart.n_steps)
    axes.set_xlabel("step", color=MUTED, fontsize=9)
    axes.set_ylabel(chart.unit, color=MUTED, fontsize=9)
    axes.set_title(visible(chart.title), fontsize=9, color=MUTED, loc="left")
    return figure


def _front(chart: FrontChart) -> Figure:
    figure, (axes,) = _figure(1, 4)
    for value, words, style in ((chart.agent, "agent", "-"), (chart.limit, "limit", "--")):
        if math.isfinite(value):
            axes.axhline(value, color=RULE, linewidth=0.9, linestyle=style)
            axes.annotate(words, (1.0, value), xycoords=("axes fraction", "data"), va="bottom",
                          ha="right", color=MUTED, fontsize=8)  # fmt: skip
    for position, row in enumerate(chart.rows):
        colour = TEXT if row.picked else RULE
        if math.isfinite(row.low) and math.isfinite(row.high):
            axes.plot([position] * 2, [row.low, row.high], color=colour, linewidth=1.4)
        axes.plot([position], [row.value], "o", color=colour, markersize=6)
    axes.set_xticks(range(len(chart.rows)), [str(row.size) for row in chart.rows])
    words = chart.rows[0].label.partition(" ")[2] if chart.rows else ""
    axes.set_xlabel(words, color=MUTED, fontsize=9)
    axes.set_ylabel(f"return ({visible(chart.unit)})", color=MUTED, fontsize=9)
    axes.set_title(visible(chart.title), fontsize=9, color=MUTED, loc="left")
    return figure


def _rules(chart: RulesChart) -> Figure:
    rows = chart.rows[:MAX_ROWS]
    figure, (axes,) = _figure(1, len(rows))
    _rows(axes, rows, list(chart.rules[:MAX_ROWS]))
    axes.set_xlabel(chart.unit, color=MUTED, fontsize=9)
    axes.set_title(visible(chart.title), fontsize=9, color=MUTED, loc="left")
    return figure


def _pairs(chart: PairChart) -> Figure:
    rows = chart.rows[:MAX_ROWS]
    figure, (axes,) = _figure(1, len(rows))
    for position, row in enumerate(rows):
        first, second = (_placed(chart, row, dot.value) for dot in (row.first, row.second))
        low, high = (_placed(chart, row, end) for end in (row.second.low, row.second.high))
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([low, high], [position] * 2, color=TEXT, linewidth=1.6)
        axes.plot([first, second], [position] * 2, color=TEXT, linewidth=0.8, linestyle="--")
        axes.plot([first], [position], "o", markerfacecolor="none", color=TEXT, markersize=7)
        axes.plot([second], [position], "o", color=TEXT, markersize=6)
        axes.annotate(chart.words(row), (1.02, position), xycoords=("axes fraction", "data"),
                      va="center", color=MUTED, fontsize=8, annotation_clip=False)  # fmt: skip
    _names(axes, [row.label for row in rows])
    if chart.own_axes:
        axes.set_xticks([])
    axes.set_xlabel(f"ring: {chart.names[0]}   dot: {chart.names[1]}   {chart.unit}",
                    color=MUTED, fontsize=9)  # fmt: skip
    axes.set_title(visible(chart.title), fontsize=9, color=MUTED, loc="left")
    return figure


def _placed(chart: PairChart, row: PairRow, value: float) -> float:
    """Place a value on the shared axis, or between the ends of its row's own."""
    if not chart.own_axes:
        return value
    spread = row.high - row.low
    return (value - row.low) / spread if math.isfinite(spread) and spread > 0 else 0.5


def _graph(chart: GraphChart) -> Figure:
    figure, (axes,) = _figure(1, len(chart.rows))
    for position, node in enumerate(chart.rows):
        axes.plot([0], [position], "o", color=TEXT, markersize=7)
        axes.annotate(f"{show(node.occupancy)} %", (0, position), xytext=(-10, 0), ha="right",
                      textcoords="offset points", va="center", color=MUTED, fontsize=8)  # fmt: skip
    for edge in chart.edges:
        _arc(axes, edge)
    _names(axes, [node.label for node in chart.rows])
    axes.set_xlim(-1, 6)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title(visible(chart.title), fontsize=9, color=MUTED, loc="left")
    return figure


def _map(chart: MapChart) -> Figure:
    figure, (axes,) = _figure(1, max(4, chart.n_rows))
    shades = np.full((chart.n_rows, chart.n_columns), np.nan)
    for cell in chart.rows:
        shades[cell.row, cell.column] = cell.shade
    most = float(np.nanmax(np.abs(shades))) or 1.0
    colours = LinearSegmentedColormap.from_list("sides", [TONES["away"], "white", TONES["toward"]])
    image = axes.imshow(shades, cmap=colours, vmin=-most, vmax=most)
    for cell in chart.rows:
        if cell.here:
            axes.plot([cell.column], [cell.row], "s", markerfacecolor="none", color=TEXT,
                      markersize=12)  # fmt: skip
    axes.set_anchor("W")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label(visible(chart.unit), color=MUTED, fontsize=8)
    axes.set_title(visible(chart.title), fontsize=9, color=MUTED, loc="left")
    return figure


def _fans(chart: FanChart) -> Figure:
    rows = chart.rows[:MAX_ROWS]
    figure = Figure(figsize=(6.8, 0.8 + 1.15 * len(rows)), layout="constrained")
    for position, row in enumerate(rows):
        axes = figure.add_subplot(len(rows), 1, position + 1)
        ahead = range(len(row.lows) + 1)
        axes.fill_between(ahead, [row.now, *row.lows], [row.now, *row.highs], color=BAND)
        axes.plot(ahead, [row.now, *row.middles], "--", color=RULE, linewidth=1.2)
        axes.plot(ahead, [row.now, *row.followed], color=TEXT, linewidth=1.4)
        axes.set_title(clip(visible(row.label), LABEL_LETTERS).replace("$", r"\$"), fontsize=8,
                       color=TEXT, loc="left")  # fmt: skip
        axes.tick_params(colors=MUTED, labelsize=7)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.supxlabel(f"steps ahead   band: {show(chart.percent)} %   line: what followed",
                     color=MUTED, fontsize=8)  # fmt: skip
    return figure


def _doses(chart: DoseChart) -> Figure:
    rows = chart.rows[:MAX_ROWS]
    figure = Figure(figsize=(6.8, 0.9 + 1.3 * len(rows)), layout="constrained")
    for position, row in enumerate(rows):
        axes = figure.add_subplot(len(rows), 1, position + 1)
        values = np.array([(p.value, p.low, p.high) for p in row.points])
        axes.axhline(0.0, color=RULE, linewidth=0.8)
        axes.vlines(chart.doses, values[:, 1], values[:, 2], color=TEXT, linewidth=1.6)
        axes.plot(chart.doses, values[:, 0], "o-", color=TEXT, linewidth=0.9, markersize=5)
        label = f"{clip(visible(row.label), 2 * LABEL_LETTERS)} ({visible(row.unit)})"
        axes.set_title(label.replace("$", r"\$"), fontsize=8, color=TEXT, loc="left")
        axes.set_xticks(chart.doses)
        axes.tick_params(colors=MUTED, labelsize=7)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.supxlabel("dose (0: as it is)   line: 95 % interval", color=MUTED, fontsize=8)
    return figure


def _arc(axes: Any, edge: GraphEdge) -> None:
    down = edge.stop > edge.start
    bend = 0.5 if down else -0.5
    arrow = {
        "arrowstyle": "->",
        "connectionstyle": f"arc3,rad={bend}",
        "linestyle": "-" if down else "--",
        "linewidth": 0.8 + 2 * edge.share / 100,
        "color": MUTED,
        "shrinkA": 5,
        "shrinkB": 5,
    }
    axes.annotate("", (0, edge.stop), xytext=(0, edge.start), arrowprops=arrow)


def _figure(n_panels: int, n_rows: int) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(6.8, 1.5 + 0.38 * n_rows), layout="constrained")
    panels = [figure.add_subplot(1, n_panels, i + 1) for i in range(n_panels)]
    for axes in panels:
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(RULE)
        axes.tick_params(colors=MUTED, labelsize=8)
    return figure, panels


def _rows(axes: Any, rows: "tuple[DotRow, ...] | list[DotRow]", labels: list[str]) -> None:
    axes.axvline(0.0, color=RULE, linewidth=0.8)
    for position, row in enumerate(rows):
        colour = TONES[row.tone]
        if math.isfinite(row.low) and math.isfinite(row.high):
            axes.plot([row.low, row.high], [position] * 2, color=colour, linewidth=1.6)
        axes.plot([row.value], [position], "o", color=colour, markersize=6)
    _names(axes, labels)


def _names(axes: Any, labels: list[str]) -> None:
    names = [clip(visible(label), LABEL_LETTERS) for label in labels]
    # a dollar sign in a name would switch on Matplotlib's formula parser
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=TEXT, labelsize=9)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _band(axes: Any, band: Band | None) -> None:
    if band is not None and math.isfinite(band.low) and math.isfinite(band.high):
        axes.axvspan(band.low, band.high, facecolor=BAND, edgecolor=BAND_EDGE, zorder=0)
