"""What a reward function is, and how one is made from a rule for a single completion."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from pellucid.errors import InputError
from pellucid.posttrain.completions import text_of
from pellucid.registry import unknown_name

RewardFunction: TypeAlias = Callable[..., list[float | None]]
"""`fn(completions, **columns)`: one reward per completion, None where it cannot be scored.

Completions are strings or lists of messages; the columns of the data set come by name, each a list
as long as the completions. It is the calling convention of TRL's trainers, which pass further
columns (`prompts`, `completion_ids`, …) that a function ignores unless it needs them.
"""


def row_reward(
    name: str, score: Callable[..., float | None], *, columns: Sequence[str] = ()
) -> RewardFunction:
    """Return the reward function that scores each completion by itself.

    Args:
        name: Its name in records and in TRL's logs.
        score: `score(text, *values)`, one value per name in `columns`; None if it cannot be scored.
        columns: Columns of the data set that the rule reads.

    Raises:
        InputError: When it is called without one of these columns, or with one of another length.
    """

    def reward(completions: Sequence[Any], **given: Any) -> list[float | None]:
        values = [column_of(given, column, len(completions), name) for column in columns]
        return [
            finite_or_none(score(text_of(completion), *(value[row] for value in values)))
            for row, completion in enumerate(completions)
        ]

    reward.__name__ = reward.__qualname__ = name
    return reward


def column_of(given: dict[str, Any], column: str, n_completions: int, reward: str) -> Sequence[Any]:
    """Return a column that a reward needs.

    Raises:
        InputError: It is missing (the hint has the nearest name), or has another length.
    """
    if column not in given:
        error = unknown_name("column", column, [name for name in given if name != "completion_ids"])
        raise InputError(f"the reward {reward!r} needs the column {column!r}", hint=error.hint)
    values: Sequence[Any] = given[column]
    if len(values) != n_completions:
        raise InputError(
            f"the column {column!r} has {len(values)} values for {n_completions} completions"
        )
    return values


def texts_in(value: Any) -> list[str]:
    """Return the texts of one row of a column that holds a text or a list of texts."""
    values = value if isinstance(value, list | tuple) else [value]
    return [text_of(text) for text in values if isinstance(text, str)]


def finite_or_none(value: Any) -> float | None:
    """Return a reward as a float; None for None, NaN and infinities.

    Raises:
        TypeError: It is no number.
    """
    if value is None:
        return None
    if isinstance(value, str | bytes):
        raise TypeError(f"a reward must be a number or None, got {type(value).__name__}")
    number = float(value)
    return number if math.isfinite(number) else None
