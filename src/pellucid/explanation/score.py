"""A score: one faithfulness test of one explanation against one control."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pellucid.stats import Estimate, not_measured

__all__ = [
    "Badge",
    "Control",
    "Curve",
    "Direction",
    "Interval",
    "Role",
    "Score",
    "TextPair",
    "not_measured",
]

Badge: TypeAlias = Literal["supported", "weak", "failed", "not_measured"]
"""How far an explanation may be relied on; the rule is in `faithfulness.badges`."""

Role: TypeAlias = Literal["test", "sanity", "supporting"]
"""A `test` compares with a control; a failed `sanity` check fails the explanation; a `supporting`
test informs and never decides."""

Direction: TypeAlias = Literal["higher", "lower"]
"""Which values are better."""


Interval = Estimate
"""An estimate with its 95 % interval, n and n_unscored; NaN means not measured."""


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
class Curve:
    """What a score is the mean of, level by level: the score's value is the area under it.

    Args:
        axis: What the levels count, in words: "inputs hidden".
        levels: Ascending, one per point.
        values: One interval per level, in the score's unit.
        controls: What the control scores at each level.
    """

    axis: str
    levels: tuple[int, ...]
    values: tuple[Interval, ...]
    controls: tuple[Interval, ...]


@dataclass(frozen=True)
class TextPair:
    """One unit of a test of a language model: what it was given and wrote, before and after.

    Args:
        prompt: What was asked.
        before: The beginning that it was given first.
        after: The beginning with the edit.
        answer_before: Its answer to the first.
        answer_after: Its answer to the second.
    """

    prompt: str
    before: str
    after: str
    answer_before: str
    answer_after: str


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
        role: `test`, `sanity` or `supporting`.
        value_unit: Unit of the value in words: `points`, `share of choices`, `correlation`.
        badge: Set by `faithfulness.badges.judge`.
        reason: Why this badge, in words; always filled for `not_measured`.
        need: What would allow the measurement, if not measured.
        applicable: False if agent or environment lack what the test needs; a sanity check that
            does not apply holds no badge down.
        unaffordable: True if it was left out because the budget did not pay for it.
        complete: False if the budget ended the test before all its units were run.
        replacement: What took the place of hidden inputs, in words; empty if none were hidden.
        curve: The levels whose mean the value is, None if it is no such mean.
        example: One unit as the test saw it, None where that is no text.
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
    need: str = ""
    applicable: bool = True
    unaffordable: bool = False
    complete: bool = True
    replacement: str = ""
    curve: Curve | None = None
    example: TextPair | None = None
