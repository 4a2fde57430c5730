"""A score: one faithfulness test of one explanation against one control."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Badge: TypeAlias = Literal["supported", "weak", "failed", "not_measured"]
"""How far an explanation may be relied on; the rule is in `faithfulness.badges`."""

Role: TypeAlias = Literal["test", "sanity"]
"""A `test` compares with a control; a failed `sanity` check fails the explanation."""

Direction: TypeAlias = Literal["higher", "lower"]
"""Which values are better."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; NaN means not measured.

    Args:
        value: The estimate.
        low: Lower end.
        high: Upper end.
        n: Independent units that it rests on.
        n_unscored: Units that could not be scored and are left out.
        constant: All units are equal, so that the width is zero because nothing varies.
    """

    value: float
    low: float
    high: float
    n: int
    n_unscored: int = 0
    constant: bool = False

    @property
    def measured(self) -> bool:
        """Whether there is a value at all."""
        return not math.isnan(self.value)


def not_measured(n: int = 0, n_unscored: int = 0) -> Interval:
    """Return the interval of something that was not measured."""
    return Interval(math.nan, math.nan, math.nan, n, n_unscored)


@dataclass(frozen=True)
class Control:
    """What a meaningless explanation of the same kind scores on the same units.

    Args:
        name: What it is, in words: "hiding a random input".
        interval: Its score.
    """

    name: str
    interval: Interval


@dataclass(frozen=True)
class Score:
    """One faithfulness test of one explanation.

    Args:
        metric: Unique name within an explanation, such as `deletion.mean`.
        label: The test in words, as the report prints it.
        interval: Value, 95 % interval, n and n_unscored.
        unit: What is resampled: `episode`, `replay`, `state`, `draw`.
        direction: Which values are better.
        control: The control, or None where there is no such thing (`reason` says why).
        gap: Paired difference to the control, oriented so that more is better.
        closed_loop: Whether the environment was run again for it.
        role: `test` or `sanity`.
        value_unit: Unit of the value in words: `points`, `share of choices`, `correlation`.
        badge: Set by `faithfulness.badges.judge`.
        reason: Why this badge, in words; always filled for `not_measured`.
    """

    metric: str
    label: str
    interval: Interval
    unit: str
    direction: Direction
    control: Control | None
    gap: Interval
    closed_loop: bool
    role: Role = "test"
    value_unit: str = ""
    badge: Badge = "not_measured"
    reason: str = ""
