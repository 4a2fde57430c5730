"""Sentences bound to facts: every figure in prose is a named fact with its full-precision value.

A sentence is a template such as `"hiding it costs {d} ({lo} to {hi})"` plus facts. The plain text
and the report's marked-up text are rendered from the same two things, so they cannot disagree.
"""

import math
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pellucid.explanation.score import Badge


@dataclass(frozen=True)
class Sentences:
    """The sentences of a method: one per badge, one for thin evidence, one on its limits.

    Args:
        supported: Verbs *drives, costs, decided*.
        weak: Verb *may*; the difference to the control could be zero.
        thin: Verb *may*; weak for another cause, which `{reason}` names.
        failed: *could not be shown*.
        not_measured: *was not tested*; may use `{reason}` and `{need}`.
        does_not_say: What readers wrongly conclude, as the end of "This does not say …".
    """

    supported: str
    weak: str
    thin: str
    failed: str
    not_measured: str
    does_not_say: str

    def template(self, badge: Badge, *, reaches_zero: bool = True) -> str:
        """Return the sentence for a badge.

        Args:
            badge: The badge.
            reaches_zero: Whether the interval of the difference to the control reaches zero; a
                weak badge has another sentence if it does not.
        """
        if badge == "weak" and not reaches_zero:
            return self.thin
        templates: dict[Badge, str] = {
            "supported": self.supported,
            "weak": self.weak,
            "failed": self.failed,
            "not_measured": self.not_measured,
        }
        return templates[badge]


@dataclass(frozen=True)
class Fact:
    """One value that a sentence shows.

    Args:
        value: Full precision; a string for names.
        text: What is shown.
    """

    value: float | int | str
    text: str


def fact(value: float | int | str) -> Fact:
    """Return a fact shown at three significant digits (names and integers as they are).

    Example:
        >>> fact(148.234).text, fact(0.01234).text, fact(12).text, fact(float("nan")).text
        ('148', '0.0123', '12', 'not measured')
    """
    return Fact(value, show(value))


def show(value: float | int | str) -> str:
    """Return a value as people read it: three significant digits, never `NaN`.

    Example:
        >>> show(-0.00004), show(1234.5), show(31200)
        ('-4e-05', '1230', '31200')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "not measured"
    if math.isinf(value):
        return "unbounded"
    rounded = float(f"{value:.3g}")
    if abs(rounded) < 1e-9:  # rounding noise of sums that should be zero
        return "0"
    if 1e-3 <= abs(rounded) < 1e6:
        return f"{rounded:.10f}".rstrip("0").rstrip(".")
    return f"{rounded:g}"


def unit_of(value: float, unit: str) -> str:
    """Return a unit as it stands behind a value: 1 point, 2 points.

    Example:
        >>> unit_of(1.0, "points"), unit_of(-1, "points"), unit_of(1.5, "points"), unit_of(1, "m/s")
        ('point', 'point', 'points', 'm/s')
    """
    one = show(value) in ("1", "-1") and unit.isalpha() and unit.endswith("s")
    return unit[:-1] if one else unit


def render(
    template: str,
    facts: Mapping[str, Fact],
    wrap: Callable[[str, Fact], str] | None = None,
    literal: Callable[[str], str] | None = None,
) -> str:
    """Fill a template; `wrap(name, fact)` marks up facts, `literal` escapes the words between.

    Raises:
        KeyError: The template uses a fact that is not there.
    """
    parts = []
    for text, name, _, _ in string.Formatter().parse(template):
        parts.append(literal(text) if literal else text)
        if name is not None:
            parts.append(wrap(name, facts[name]) if wrap else facts[name].text)
    return "".join(parts)


def gain_for_loss(template: str, facts: Mapping[str, Fact]) -> tuple[str, Mapping[str, Fact]]:
    """Return a sentence on a loss `{d}` that is a gain as one on the gain, with its facts.

    What earns -3.4 points less earns 3.4 points more. Other sentences come back as they are.

    Args:
        template: Perhaps with `{d} {unit} less`, followed or not by `({lo} to {hi})`.
        facts: Of the sentence.

    Example:
        >>> facts = {"d": fact(-3.4), "lo": fact(-9.0), "hi": fact(2.0), "unit": fact("points")}
        >>> render(*gain_for_loss("It earns {d} {unit} less ({lo} to {hi}).", facts))
        'It earns 3.4 points more (-2 to 9).'
    """
    loss = facts.get("d")
    if "{d} {unit} less" not in template or loss is None or not _is_negative(loss):
        return template, facts
    turned = template.replace("{d} {unit} less ({lo} to {hi})", _GAIN).replace(
        "{d} {unit} less", "{gain} {unit} more"
    )
    ends = {"gain": "d", "gain_lo": "hi", "gain_hi": "lo"}
    values = {name: facts[of].value for name, of in ends.items() if of in facts}
    gains = {n: fact(-v) for n, v in values.items() if not isinstance(v, str)}
    return turned, {**facts, **gains}


_GAIN = "{gain} {unit} more ({gain_lo} to {gain_hi})"


def _is_negative(loss: Fact) -> bool:
    return not isinstance(loss.value, str) and loss.value < 0


def fact_names(template: str) -> list[str]:
    """Return the names of the facts that a template uses, in order."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
