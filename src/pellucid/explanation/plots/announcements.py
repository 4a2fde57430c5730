"""The chart of announced events: how often they were announced, and how often they happened."""

import math

import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation.content import Prediction
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.explanation.plots.pairs import PairChart, PairRow
from pellucid.explanation.plots.probes import probes_chart
from pellucid.explanation.plots.rows import DotRow
from pellucid.explanation.wording import show

BINS = 5
"""Levels of announced probability that are told apart where there is one event."""


def announcements_chart(content: Prediction, unit: str) -> PairChart | None:
    """Return announced and happened shares: per event, or per level where there is only one.

    Args:
        content: The announcements; the chart is None if there are none.
        unit: Unused: shares are in percent.
    """
    n_states, n_events = content.probabilities.shape
    if not n_states or not n_events:
        return None
    if len(content.layers):
        return probes_chart(content)
    one = n_events == 1
    rows = _levels(content) if one else _events(content)
    if not rows:
        return None
    about = f"{content.event_names[0]}, by how sure it was" if one else "each event"
    first = rows[0]
    units = "episodes" if content.orders else "states"
    return PairChart(
        title=f"How often it announced {about}, and how often it happened, {n_states} {units}",
        sentence=f"{first.label}: announced at {show(first.first.value)} %, happened in "
        f"{first.second.text} %.",
        unit=f"% of {units}",
        names=("announced", "happened"),
        between=" against ",
        rows=rows,
    )


def _events(content: Prediction) -> tuple[PairRow, ...]:
    """Return one row per event, those that happen most first."""
    rates = content.happened.mean(axis=0)
    everywhere = np.arange(len(content.happened))
    return tuple(
        _row(content.event_names[event], content, everywhere, int(event))
        for event in np.argsort(-rates, kind="stable")
    )


def _levels(content: Prediction) -> tuple[PairRow, ...]:
    announced = content.probabilities[:, 0]
    # 1 belongs to the last level and not to one of its own; what is NaN belongs to none
    level = np.minimum(np.floor(announced * BINS), BINS - 1)
    width = 100 // BINS
    return tuple(
        _row(
            f"announced {b * width} to {(b + 1) * width} %", content, np.flatnonzero(level == b), 0
        )
        for b in range(BINS)
        if (level == b).any()
    )


def _row(
    label: str, content: Prediction, states: Int[np.ndarray, " states"], event: int
) -> PairRow:
    said = 100.0 * content.probabilities[states, event]
    known: Float[np.ndarray, " states"] = said[np.isfinite(said)]
    episodes = content.episodes[states] if len(content.episodes) else content.episodes
    happened = mean_over_episodes(100.0 * content.happened[states, event], episodes)
    mean = float(known.mean()) if len(known) else math.nan
    low, high = max(0.0, happened.low), min(100.0, happened.high)
    if math.isnan(happened.low):
        low, high = math.nan, math.nan
    return PairRow(
        label,
        DotRow("announced", mean, math.nan, math.nan),
        DotRow("happened", happened.value, low, high),
        math.nan,
        math.nan,
    )
