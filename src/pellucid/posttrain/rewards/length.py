"""Rewards a length within bounds."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from pellucid.errors import InputError
from pellucid.posttrain.rewards.function import RewardFunction, column_of, row_reward

LengthUnit: TypeAlias = Literal["words", "characters", "tokens"]
"""What is counted; tokens are those of the column `completion_ids`, which trainers pass."""

_FAR_TOO_LONG = 50
_COUNTS: dict[str, Callable[[str, int], int]] = {
    # a megabyte of words is not counted to its end
    "words": lambda text, high: len(text.split(maxsplit=_FAR_TOO_LONG * high)),
    "characters": lambda text, high: len(text),
}


def length_reward(low: int, high: int, *, unit: LengthUnit = "words") -> RewardFunction:
    """Return the reward that is 1 from `low` to `high` and falls with the ratio outside.

    A text of half the shortest or twice the longest length gets 1/2; an empty one gets 0. Equal
    bounds make a target. Words are counted up to 50 times the longest length.

    Args:
        low: Shortest length with the full reward, at least 1.
        high: Longest length with the full reward.
        unit: What is counted.

    Raises:
        InputError: Bounds that exclude each other, or another unit.

    Example:
        >>> length_reward(2, 4)(["one", "one two", "one two three four five six seven eight"])
        [0.5, 1.0, 0.5]
    """
    if not 1 <= low <= high:
        raise InputError(f"bounds must be 1 <= low <= high, got {low} and {high}")
    if unit == "tokens":
        return _token_reward(low, high)
    if unit not in _COUNTS:
        raise InputError(f"unit must be words, characters or tokens, got {unit!r}")
    return row_reward("length", lambda text: _share(_COUNTS[unit](text, high), low, high))


def _token_reward(low: int, high: int) -> RewardFunction:
    def length(completions: Sequence[Any], **given: Any) -> list[float | None]:
        ids = column_of(given, "completion_ids", len(completions), "length")
        return [_share(len(row), low, high) for row in ids]

    return length


def _share(n: int, low: int, high: int) -> float:
    return min(n / low, 1.0) * min(high / max(n, 1), 1.0)
