"""Addition written out from the units digit up, with the carry of every step."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.completions import ANSWER_MARKER, extract_answer, same_answer, text_of
from pellucid.posttrain.tasks.drawing import draw
from pellucid.posttrain.tasks.example import Example


@dataclass(frozen=True)
class Addition:
    """Sums of two numbers, worked out one column of digits at a time.

    A prompt is `37+48=`; the expert writes `7+8=15;3+4+1=8;####85`, where the third summand is the
    carry. The hint is the carries from the units up. The difficulty is the number of carries,
    0 to `n_digits`. Sums that differ only in the order of the two numbers are one group.

    Args:
        n_digits: Digits of both numbers, at least 1.

    Raises:
        InputError: `n_digits` is not in 1..18.

    Example:
        >>> worked(37, 48)
        '7+8=15;3+4+1=8;####85'
    """

    n_digits: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.n_digits <= 18:
            raise InputError(f"n_digits must be in 1..18, got {self.n_digits}")

    @property
    def name(self) -> str:
        """The name that its examples carry."""
        return f"addition-{self.n_digits}"

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return sums of distinct pairs of numbers; see `Task.examples`."""
        if difficulty is not None and difficulty not in range(self.n_digits + 1):
            raise InputError(
                f"difficulty is a number of carries, 0 to {self.n_digits}, got {difficulty}"
            )

        def make(rng: np.random.Generator) -> Example | None:
            low = 10 ** (self.n_digits - 1) if self.n_digits > 1 else 0
            first, second = (int(value) for value in rng.integers(low, 10**self.n_digits, 2))
            if difficulty is not None and sum(_carries(first, second)) != difficulty:
                return None
            return self._example(first, second)

        return draw(self.name, n_examples, seed, make)

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether the one answer after `####` is the sum."""
        return same_answer(extract_answer(text_of(completion)), example.answer)

    def _example(self, first: int, second: int) -> Example:
        carries = _carries(first, second)
        return Example(
            prompt=f"{first}+{second}=",
            answer=str(first + second),
            rationale=worked(first, second),
            hint="carries " + "".join(map(str, carries)),
            difficulty=float(sum(carries)),
            group_id=f"{min(first, second)}+{max(first, second)}",
            task=self.name,
        )


def worked(first: int, second: int) -> str:
    """Return the steps of a sum of two non-negative numbers, and its answer."""
    steps, carry = [], 0
    for a, b in _columns(first, second):
        total = a + b + carry
        steps.append(f"{a}+{b}+{carry}={total}" if carry else f"{a}+{b}={total}")
        carry = total // 10
    return ";".join([*steps, f"{ANSWER_MARKER}{first + second}"])


def _columns(first: int, second: int) -> list[tuple[int, int]]:
    digits = max(len(str(first)), len(str(second)))
    return [(first // 10**k % 10, second // 10**k % 10) for k in range(digits)]


def _carries(first: int, second: int) -> list[int]:
    carries, carry = [], 0
    for a, b in _columns(first, second):
        carry = (a + b + carry) // 10
        carries.append(carry)
    return carries
