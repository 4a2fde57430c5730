"""Dots with intervals, the band of the random baseline, and the chart that is made of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from pellucid.explanation.wording import show
from pellucid.io.strict_json import finite_or_text

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
