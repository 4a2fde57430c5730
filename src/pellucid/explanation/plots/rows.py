"""The parts of charts: a dot with its interval, the band of the random baseline, rows of dots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from pellucid.explanation.wording import show
from pellucid.io.strict_json import finite_or_text

MAX_ROWS = 5
"""Rows that are drawn; the table under a chart has all of them."""
NORMAL_95 = 1.959963984540054

Tone: TypeAlias = Literal["plain", "toward", "away"]
"""Colour means toward or away and nothing else."""


@dataclass(frozen=True)
class DotRow:
    """One dot with its interval.

    Args:
        label: What it is, in words.
        value: Its value; NaN if not measured.
        low: Lower end of the interval, NaN if there is none.
        high: Upper end.
        tone: Colour.
    """

    label: str
    value: float
    low: float
    high: float
    tone: Tone = "plain"

    @property
    def text(self) -> str:
        """The value with its interval, as people read it."""
        if np.isnan(self.value) or np.isnan(self.low):
            return show(self.value)
        return f"{show(self.value)} ({show(self.low)} to {show(self.high)})"


@dataclass(frozen=True)
class Band:
    """What a meaningless explanation scores, drawn as a grey strip on the same axis."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class DotChart:
    """Dots with intervals, one row each, on one axis with a zero line.

    Args:
        title: What is shown, with n.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Unit of the axis.
        left: Words at the left end.
        right: Words at the right end.
        rows: Sorted, most important first.
        band: The random baseline, None if it has another unit.
    """

    form: ClassVar[str] = "dots"
    title: str
    sentence: str
    unit: str
    left: str
    right: str
    rows: tuple[DotRow, ...]
    band: Band | None = None


def read_ends(data: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return value, low and high of their JSON form."""
    value, low, high = (finite_or_text(data[name]) for name in ("value", "low", "high"))
    return value, low, high


def read_dot(data: Mapping[str, Any]) -> DotRow:
    """Return a dot from its JSON form."""
    return DotRow(data["label"], *read_ends(data), data["tone"])


def read_band(data: Mapping[str, Any] | None) -> Band | None:
    """Return a band from its JSON form, None where there is none."""
    return Band(data["label"], *read_ends(data)) if data is not None else None


def read_dots(data: Mapping[str, Any]) -> DotChart:
    """Return rows of dots from their JSON form."""
    return DotChart(
        **{name: data[name] for name in ("title", "sentence", "unit", "left", "right")},
        rows=tuple(read_dot(row) for row in data["rows"]),
        band=read_band(data["band"]),
    )
