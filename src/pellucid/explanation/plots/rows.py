"""The smallest parts of charts: a dot with its interval, and the band of the random baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

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


def read_ends(data: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return value, low and high of their JSON form."""
    value, low, high = (finite_or_text(data[name]) for name in ("value", "low", "high"))
    return value, low, high
