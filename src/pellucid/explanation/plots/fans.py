"""What a fan chart shows: where inputs are expected to be, step by step, and where they went."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.explanation.content import Bands
from pellucid.explanation.wording import show
from pellucid.io.strict_json import finite_or_text


@dataclass(frozen=True)
class FanRow:
    """One input.

    Args:
        label: Its name.
        now: What is seen now.
        lows: Lower ends of its bands, one per step ahead.
        middles: Medians.
        highs: Upper ends.
        followed: What followed in the recorded episode; NaN once it had ended.
    """

    label: str
    now: float
    lows: tuple[float, ...]
    middles: tuple[float, ...]
    highs: tuple[float, ...]
    followed: tuple[float, ...]


@dataclass(frozen=True)
class FanChart:
    """Bands that open ahead of one moment, one small picture per input.

    Args:
        title: What is shown.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Empty: each input has its own.
        percent: Percent of futures that a band is said to cover.
        rows: Inputs, the one that moves most first.
    """

    form: ClassVar[str] = "fans"
    title: str
    sentence: str
    unit: str
    percent: float
    rows: tuple[FanRow, ...]


def fan_chart(content: Bands, unit: str) -> FanChart | None:
    """Return the bands of the shown state.

    Args:
        content: Announced bands; the chart is None if there is no state.
        unit: Unused: each input has its own.
    """
    if not len(content.bands):
        return None
    shown = content.shown
    bands, now = content.bands[shown], content.observations[shown]
    scale = np.where(content.spreads > 0, content.spreads, np.inf)
    order = np.argsort(-np.abs(bands[-1, :, 1] - now) / scale, kind="stable").tolist()
    rows = tuple(
        FanRow(
            content.input_names[i],
            float(now[i]),
            tuple(bands[:, i, 0].tolist()),
            tuple(bands[:, i, 1].tolist()),
            tuple(bands[:, i, 2].tolist()),
            tuple(content.followed[shown, :, i].tolist()),
        )
        for i in order
    )
    episode, step = content.steps[shown].tolist()
    ahead, first = len(bands), rows[0]
    return FanChart(
        title=f"Where each input is expected to be in the {ahead} steps after step {step} of "
        f"episode {episode}, while it lasts",
        sentence=f"{first.label} is {show(first.now)} now; {ahead} steps later it is expected "
        f"between {show(first.lows[-1])} and {show(first.highs[-1])}.",
        unit="",
        percent=100.0 * content.coverage,
        rows=rows,
    )


def read_fans(data: Mapping[str, Any]) -> FanChart:
    """Return a fan chart from its JSON form."""
    return FanChart(
        **{name: data[name] for name in ("title", "sentence", "unit")},
        percent=finite_or_text(data["percent"]),
        rows=tuple(
            FanRow(
                row["label"],
                finite_or_text(row["now"]),
                *(
                    tuple(
                        math.nan if value is None else finite_or_text(value) for value in row[name]
                    )
                    for name in ("lows", "middles", "highs", "followed")
                ),
            )
            for row in data["rows"]
        ),
    )
