"""The analysis of a task as a picture: what is enough to solve it, and where its gaps are."""

import io
import math
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pellucid.tabular.horizon.analysis import HorizonAnalysis

TEXT, MARK, QUIET = "#1B1B1B", "#005A94", "#595959"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pellucid",
    "font.size": 9,
    "text.color": TEXT,
}


def horizon_svg(found: HorizonAnalysis, title: str) -> bytes:
    """Return the picture of an analysis as SVG; equal analyses give equal bytes.

    Args:
        found: The analysis.
        title: What the task is called.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 5.0), layout="constrained")
        steps, gaps = figure.subplots(2, 1)
        figure.suptitle(title, x=0.02, ha="left", fontsize=11)
        _draw_steps(steps, found)
        _draw_gaps(gaps, found)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "pellucid"})
    return file.getvalue()


def step_rows(found: HorizonAnalysis) -> list[tuple[str, float]]:
    """Return what each way needs in environment steps, measured ones first; finite ones only."""
    rows = []
    if found.measured is not None and found.measured.solved:
        rows.append(("measured", found.measured.env_steps))
    if found.tight is not None:
        rows.append(("tight bound", min(level.env_steps for level in found.tight.levels)))
    if found.simple is not None:
        log_steps = 2 * math.log(found.horizon) + found.simple.horizon * math.log(found.n_actions)
        rows.append(("simple bound", math.exp(log_steps) if log_steps < 700 else math.inf))
    rows.append(("every action in every state", found.cover_steps))
    rows.append(("every sequence of actions", found.worst_case_steps))
    return [(name, float(value)) for name, value in rows if math.isfinite(value) and value > 0]


def _draw_steps(axes: Axes, found: HorizonAnalysis) -> None:
    rows = step_rows(found)
    places = range(len(rows))
    axes.scatter([value for _, value in rows], list(places), color=MARK, zorder=2)
    axes.set_yticks(list(places), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.grid(axis="x", color="#D9D9D9", linewidth=0.6)
    axes.set_xlabel(
        "environment steps that are enough"
        if found.bounded
        else "environment steps that are enough (chance: no better bound is known)"
    )
    _quiet(axes)


def _draw_gaps(axes: Axes, found: HorizonAnalysis) -> None:
    marks = [(t, gap) for t, gap in enumerate(found.gap_profile) if math.isfinite(gap)]
    axes.plot([t for t, _ in marks], [gap for _, gap in marks], "o", color=MARK, markersize=4)
    hard = {one.step: one.gap for one in found.hard_states}
    axes.plot(
        list(hard), list(hard.values()), "o", markersize=10, markerfacecolor="none",
        markeredgecolor=TEXT, label="hardest to tell",
    )  # fmt: skip
    if any(gap > 0 for _, gap in marks):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(-0.5, found.horizon - 0.5)
    axes.set_xlabel("step of the episode; steps without a mark have no wrong action")
    axes.set_ylabel("return at stake")
    if hard:
        axes.legend(frameon=False, loc="best")
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=QUIET)
