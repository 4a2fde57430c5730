"""The chart of rules: each rule in words, and how often it is right where it applies."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pellucid.explanation.content import Rules
from pellucid.explanation.plots.rows import DotChart, DotRow, read_dot


@dataclass(frozen=True)
class RulesChart:
    """Rules in words, and a dot per rule.

    Args:
        title: What is shown, with n.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Unit of the axis.
        rules: In the order in which they are asked.
        rows: One per rule, in that order.
    """

    form: ClassVar[str] = "rules"
    title: str
    sentence: str
    unit: str
    rules: tuple[str, ...]
    rows: tuple[DotRow, ...]

    def dots(self) -> DotChart:
        """Return the dots alone."""
        return DotChart(self.title, self.sentence, self.unit, "", "always right →", self.rows)


def rules_chart(content: Rules, unit: str) -> RulesChart | None:
    """Return rules with the share of the states they cover in which they are right.

    Args:
        content: The rules; the chart is None if there are none.
        unit: Unused: shares are in percent.
    """
    if not content.rules:
        return None
    known = len(content.precision_lows) == len(content.rules)
    rows = tuple(
        DotRow(
            f"rule {i + 1}, {int(content.support[i])} states",
            100.0 * float(content.precision[i]),
            100.0 * float(content.precision_lows[i]) if known else math.nan,
            100.0 * float(content.precision_highs[i]) if known else math.nan,
        )
        for i in range(len(content.rules))
    )
    n = len(rows)
    return RulesChart(
        title=f"How often each of {n} rules is right where it applies"
        if n > 1
        else "How often the rule is right where it applies",
        sentence=f"{rows[0].label}: right in {rows[0].text} %.",
        unit="% of covered states",
        rules=content.rules,
        rows=rows,
    )


def read_rules(data: Mapping[str, Any]) -> RulesChart:
    """Return a chart of rules from its JSON form."""
    return RulesChart(
        **{name: data[name] for name in ("title", "sentence", "unit")},
        rules=tuple(data["rules"]),
        rows=tuple(read_dot(row) for row in data["rows"]),
    )
