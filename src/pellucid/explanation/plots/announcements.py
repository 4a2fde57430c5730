"""The charts of announced events and orders: how often announced, and how often they happened."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.explanation.content import Orders, Prediction
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.explanation.plots.pairs import PairChart, PairRow
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
    one = n_events == 1
    rows = _levels(content) if one else _events(content)
    if not rows:
        return None
    about = f"{content.event_names[0]}, by how sure it was" if one else "each event"
    return _chart(rows, about, f"{n_states} states")


def orders_chart(content: Orders, unit: str) -> PairChart | None:
    """Return announced and happened shares of orders, those that happen most first.

    Args:
        content: The announcements; the chart is None if there are none.
        unit: Unused: shares are in percent.
    """
    n_episodes, n_orders = content.happened.shape
    if not n_episodes or not n_orders:
        return None
    episodes = np.arange(n_episodes)
    rows = tuple(
        _row(
            content.order_names[order],
            np.repeat(content.probabilities[order], n_episodes),
            content.happened[:, order],
            episodes,
        )
        for order in np.argsort(-content.happened.mean(axis=0), kind="stable")
    )
    return _chart(rows, "each order", f"{n_episodes} episodes")


def _chart(rows: tuple[PairRow, ...], about: str, units: str) -> PairChart:
    first = rows[0]
    return PairChart(
        title=f"How often it announced {about}, and how often it happened, {units}",
        sentence=f"{first.label}: announced at {show(first.first.value)} %, happened in "
        f"{first.second.text} %.",
        unit=f"% of {units.split()[1]}",
        names=("announced", "happened"),
        between=" against ",
        rows=rows,
    )


def _events(content: Prediction) -> tuple[PairRow, ...]:
    """Return one row per event, those that happen most first."""
    rates = content.happened.mean(axis=0)
    everywhere = np.arange(len(content.happened))
    return tuple(
        _state_row(content.event_names[event], content, everywhere, int(event))
        for event in np.argsort(-rates, kind="stable")
    )


def _levels(content: Prediction) -> tuple[PairRow, ...]:
    announced = content.probabilities[:, 0]
    # 1 belongs to the last level and not to one of its own; what is NaN belongs to none
    level = np.minimum(np.floor(announced * BINS), BINS - 1)
    width = 100 // BINS
    return tuple(
        _state_row(
            f"announced {b * width} to {(b + 1) * width} %", content, np.flatnonzero(level == b), 0
        )
        for b in range(BINS)
        if (level == b).any()
    )


def _state_row(
    label: str, content: Prediction, states: Int[np.ndarray, " states"], event: int
) -> PairRow:
    episodes = content.episodes[states] if len(content.episodes) else content.episodes
    announced, happened = content.probabilities[states, event], content.happened[states, event]
    return _row(label, announced, happened, episodes)


def _row(
    label: str,
    announced: Float[np.ndarray, " units"],
    happened_here: Bool[np.ndarray, " units"],
    episodes: Int[np.ndarray, " units"],
) -> PairRow:
    said = 100.0 * announced
    known: Float[np.ndarray, " units"] = said[np.isfinite(said)]
    happened = mean_over_episodes(100.0 * happened_here, episodes)
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
