"""What a chart of pairs shows: two values per row, such as before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pellucid.explanation.plots.rows import DotRow, read_dot
from pellucid.explanation.wording import show
from pellucid.io.strict_json import finite_or_text


@dataclass(frozen=True)
class PairRow:
    """Two values of one thing.

    Args:
        label: What it is, in words.
        first: The value on the left of the words, drawn as a ring.
        second: The other one, drawn as a dot with its interval.
        low: Lower end of the axis of this row, NaN where all rows share one.
        high: Upper end.
    """

    label: str
    first: DotRow
    second: DotRow
    low: float
    high: float


@dataclass(frozen=True)
class PairChart:
    """Two values per row, on one axis or each row on its own.

    Args:
        title: What is shown, with n.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Unit of all rows; empty where each has its own.
        names: What ring and dot are called.
        between: What stands between the two numbers.
        rows: Most important first.
        own_axes: Whether each row has an axis of its own.
    """

    form: ClassVar[str] = "pairs"
    title: str
    sentence: str
    unit: str
    names: tuple[str, ...]
    between: str
    rows: tuple[PairRow, ...]
    own_axes: bool = False

    def words(self, row: PairRow) -> str:
        """Return the two numbers of a row as people read them."""
        return f"{show(row.first.value)}{self.between}{row.second.text}"


def read_pairs(data: Mapping[str, Any]) -> PairChart:
    """Return a chart of pairs from its JSON form."""
    names = ("title", "sentence", "unit", "between", "own_axes")
    return PairChart(
        **{name: data[name] for name in names},
        names=tuple(data["names"]),
        rows=tuple(
            PairRow(
                row["label"],
                read_dot(row["first"]),
                read_dot(row["second"]),
                finite_or_text(row["low"]),
                finite_or_text(row["high"]),
            )
            for row in data["rows"]
        ),
    )
