"""What a map shows: cells in rows and columns, and how much of what follows each one gets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pellucid.io.strict_json import finite_or_text


@dataclass(frozen=True)
class MapCell:
    """One cell of a map.

    Args:
        label: Its name.
        row: Its row, the uppermost 0.
        column: Its column, the leftmost 0.
        first: How much it gets after the first choice.
        second: After the second one; NaN if there is a single choice.
        here: Whether the choice is made here.
    """

    label: str
    row: int
    column: int
    first: float
    second: float
    here: bool = False

    @property
    def shade(self) -> float:
        """What its colour shows: the difference, or the amount where there is one choice."""
        return self.first if math.isnan(self.second) else self.first - self.second


@dataclass(frozen=True)
class MapChart:
    """A map whose colour is what the first choice brings more than the second one.

    Args:
        title: What is shown.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Unit of the amounts.
        names: One per choice.
        rows: The cells, those of the largest difference first.
        n_rows: Rows of the map.
        n_columns: Its columns.
    """

    form: ClassVar[str] = "map"
    title: str
    sentence: str
    unit: str
    names: tuple[str, ...]
    rows: tuple[MapCell, ...]
    n_rows: int
    n_columns: int


def read_map(data: Mapping[str, Any]) -> MapChart:
    """Return a map from its JSON form."""
    return MapChart(
        **{name: data[name] for name in ("title", "sentence", "unit", "n_rows", "n_columns")},
        names=tuple(data["names"]),
        rows=tuple(
            MapCell(
                cell["label"],
                cell["row"],
                cell["column"],
                finite_or_text(cell["first"]),
                finite_or_text(cell["second"]),
                cell["here"],
            )
            for cell in data["rows"]
        ),
    )
