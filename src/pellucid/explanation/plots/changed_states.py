"""The chart of a changed state: which inputs move how far."""

import math

import numpy as np

from pellucid.explanation.content import CounterfactualStates
from pellucid.explanation.plots.rows import DotChart, DotRow
from pellucid.explanation.wording import show


def changed_states_chart(content: CounterfactualStates, unit: str) -> DotChart | None:
    """Return one row per input that changes in the state shown, in standard deviations.

    Args:
        content: Changed states; the one that the answer is about is drawn.
        unit: What one unit of return is called; returns have no part in it.
    """
    del unit
    shown = content.shown
    if not len(content.found) or not content.found[shown] or not len(content.scales):
        return None
    before, after = content.observations[shown], content.changed[shown]
    inputs = np.flatnonzero(after != before)
    shifts = (after - before)[inputs] / np.where(content.scales > 0, content.scales, 1.0)[inputs]
    order = np.argsort(-np.abs(shifts), kind="stable")
    rows = tuple(
        DotRow(
            f"{content.input_names[inputs[i]]}: {show(float(before[inputs[i]]))} → "
            f"{show(float(after[inputs[i]]))}",
            float(shifts[i]),
            math.nan,
            math.nan,
        )
        for i in order
    )
    wanted = content.output_names[int(content.wanted[shown])]
    step = int(content.steps[shown, 1]) if len(content.steps) else 0
    reached = int(content.reach_steps[shown])
    actions = "action" if reached == 1 else "actions"
    way = f"; {reached} {actions} lead there" if reached >= 0 else ""
    return DotChart(
        title=f"The smallest change found that makes it choose {wanted}, at step {step}{way}",
        sentence=f"It chooses {wanted} after {len(rows)} of {len(before)} inputs change; the "
        f"largest change is {rows[0].label}.",
        unit="standard deviations",
        left="← less",
        right="more →",
        rows=rows,
    )
