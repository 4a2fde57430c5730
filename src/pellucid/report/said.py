"""Sentences of the report: a template and its facts, kept together in `report.json`.

Every figure in prose is a fact with a path, so that a reader (and a test) can look it up.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

import numpy as np

from pellucid.explanation.rendering import without_marks
from pellucid.explanation.wording import Fact, fact, render

Document: TypeAlias = dict[str, Any]
"""A JSON object of `report.json`."""


def plain(value: Any) -> Any:
    """Return a value as strict JSON has it: NaN as null, infinities as strings, tuples as lists.

    Example:
        >>> plain((1.5, float("nan"), float("-inf")))
        [1.5, None, '-Infinity']
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:  # most values, told at once
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is list:
        return [plain(item) for item in value]
    if kind is dict:
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return value


def said(template: str, **values: Fact | float | int | str) -> Document:
    """Return a sentence for `report.json`: text, template, and the facts in it.

    Args:
        template: Words with named facts, as in `pellucid.explanation.wording`.
        values: The facts, or their values (shown at three significant digits).

    Example:
        >>> said("{k} of {n} episodes", k=18, n=20)["text"]
        '18 of 20 episodes'
    """
    facts = {n: v if isinstance(v, Fact) else fact(v) for n, v in values.items()}
    return said_with(template, facts)


def said_with(template: str, facts: Mapping[str, Fact]) -> Document:
    """Return a sentence whose facts are given as a mapping."""
    return {
        "text": without_marks(render(template, facts)),
        "template": template,
        "facts": {name: plain(item.value) for name, item in facts.items()},
        "shown": {name: item.text for name, item in facts.items()},
    }


def listing(parts: list[str]) -> str:
    """Return parts joined as in a sentence.

    Example:
        >>> listing(["a", "b", "c"]), listing(["a"])
        ('a, b and c', 'a')
    """
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)
