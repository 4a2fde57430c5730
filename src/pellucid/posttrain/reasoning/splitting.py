"""Cuts a completion into its stated steps and its answer, and reads answers."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from pellucid.errors import DataError, InputError

STEP_ENDS = r"\n+|(?<=[;])\s*|(?<=[.!?])\s+"
"""What ends a step by default: a line, a semicolon, or a sentence."""


@dataclass(frozen=True)
class StatedReasoning:
    """One completion in parts that give its text back: opening, steps, closing, answer.

    Args:
        opening: What stands before the first step, such as a tag.
        steps: The stated steps, each with whatever separates it from the next one.
        closing: What stands between the last step and the answer, such as `answer:`.
        answer: The answer as it was written, without the space around it.
    """

    opening: str
    steps: tuple[str, ...]
    closing: str
    answer: str

    def to_answer(self, steps: Sequence[str]) -> str:
        """Return a beginning with these steps after which only the answer is left to write.

        Spaces at its end are left to the model: most tokenizers join them to the next word.
        """
        return (self.opening + "".join(steps) + self.closing).rstrip(" ")

    def to_step(self, steps: Sequence[str]) -> str:
        """Return a beginning with these steps after which the reasoning may go on."""
        return (self.opening + "".join(steps)).rstrip(" ")


class Splitter(Protocol):
    """Knows how a model writes its reasoning and its answer."""

    def split(self, completion: str) -> StatedReasoning:
        """Return the parts of a completion.

        Raises:
            DataError: There is no reasoning or no answer in it; the message says which.
        """

    def answer(self, completion: str) -> str:
        """Return the answer of a completion, empty if there is none."""


@dataclass(frozen=True)
class MarkedAnswer:
    """Reasoning is everything before the last marker, the answer what follows on its line.

    Args:
        marker: What announces the answer; upper and lower case count alike.
        step_ends: Regular expression of what ends a step; it stays with the step.
    """

    marker: str = "answer:"
    step_ends: str = STEP_ENDS

    def __post_init__(self) -> None:
        if not self.marker.strip():
            raise InputError("the marker of the answer is empty", hint="such as 'answer:'")

    def split(self, completion: str) -> StatedReasoning:
        """Return the parts of a completion; see `Splitter`."""
        start = completion.lower().rfind(self.marker.lower())
        if start < 0:
            raise DataError(f"no answer was found: {self.marker!r} does not occur")
        return _parts("", completion[:start], completion[start:], self.answer, self.step_ends)

    def answer(self, completion: str) -> str:
        """Return what follows the last marker on its line, empty if there is none."""
        start = completion.lower().rfind(self.marker.lower())
        if start < 0:
            return ""
        return _first_line(completion[start + len(self.marker) :])


@dataclass(frozen=True)
class TaggedReasoning:
    """Reasoning stands between two tags, the answer after the second one.

    Args:
        start: Tag that opens the reasoning.
        end: Tag that closes it.
        marker: What announces the answer after the second tag; empty if nothing does.
        step_ends: Regular expression of what ends a step; it stays with the step.
    """

    start: str = "<think>"
    end: str = "</think>"
    marker: str = ""
    step_ends: str = STEP_ENDS

    def __post_init__(self) -> None:
        if not self.start or not self.end or self.start == self.end:
            raise InputError(
                f"the tags must be two different ones, got {self.start!r} and {self.end!r}"
            )

    def split(self, completion: str) -> StatedReasoning:
        """Return the parts of a completion; see `Splitter`."""
        first, last = completion.find(self.start), completion.rfind(self.end)
        if first < 0 or last < first + len(self.start):
            raise DataError(f"no reasoning was found between {self.start} and {self.end}")
        inside = first + len(self.start)
        opening, text = completion[:inside], completion[inside:last]
        return _parts(opening, text, completion[last:], self.answer, self.step_ends)

    def answer(self, completion: str) -> str:
        """Return what follows the second tag and the marker on one line."""
        last = completion.rfind(self.end)
        if last < 0:
            return ""
        rest = completion[last + len(self.end) :]
        if self.marker:
            start = rest.lower().rfind(self.marker.lower())
            if start < 0:
                return ""
            rest = rest[start + len(self.marker) :]
        return _first_line(rest)


@dataclass(frozen=True)
class CustomSplitter:
    """Splits by functions of yours.

    Args:
        split_fn: Returns the parts of a completion, or None if there is no reasoning.
        answer_fn: Returns the answer of a completion, empty if there is none.
    """

    split_fn: Callable[[str], StatedReasoning | None]
    answer_fn: Callable[[str], str]

    def split(self, completion: str) -> StatedReasoning:
        """Return the parts of a completion; see `Splitter`."""
        parts = self.split_fn(completion)
        if parts is None:
            raise DataError("no reasoning was found by the given function")
        return _checked(parts)

    def answer(self, completion: str) -> str:
        """Return the answer of a completion, empty if there is none."""
        return self.answer_fn(completion).strip()


def steps_of(text: str, step_ends: str = STEP_ENDS) -> tuple[str, ...]:
    r"""Return the steps of a text, each with its separator; together they are the text.

    Example:
        >>> steps_of("1+2=3; 3+3=6;\nso six\n")
        ('1+2=3; ', '3+3=6;\n', 'so six\n')
    """
    ends = [match.end() for match in re.finditer(step_ends, text)]
    edges = [0, *sorted({end for end in ends if 0 < end < len(text)}), len(text)]
    pieces: list[str] = []
    for start, stop in pairwise(edges):
        piece = text[start:stop]
        if piece.strip(" \t\n;.") or not pieces:
            pieces.append(piece)
        else:  # a separator alone is no step
            pieces[-1] += piece
    return tuple(pieces) if text.strip() else ()


def same_answer(one: str, other: str) -> bool:
    """Whether two answers are the same: as numbers if both are, else as words.

    Example:
        >>> same_answer("6", " 6.0. "), same_answer("Paris", "paris."), same_answer("6", "7")
        (True, True, False)
    """
    return _canonical(one) == _canonical(other)


def _canonical(answer: str) -> str | float:
    plain = " ".join(answer.casefold().split()).strip(" .,;")
    try:
        number = float(plain.replace(",", ""))
    except ValueError:
        return plain
    return number if math.isfinite(number) else plain


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else ""


def _parts(
    opening: str, text: str, rest: str, answer_fn: Callable[[str], str], step_ends: str
) -> StatedReasoning:
    """Return the parts, the space before the first step given to the opening."""
    answer = answer_fn(rest)
    if not answer:
        raise DataError("no answer was found after the reasoning")
    start = len(text) - len(text.lstrip())
    steps = steps_of(text[start:], step_ends)
    closing = rest[: rest.rfind(answer)]
    return _checked(StatedReasoning(opening + text[:start], steps, closing, answer))


def _checked(parts: StatedReasoning) -> StatedReasoning:
    if not parts.steps:
        raise DataError("the reasoning is empty: there is no step")
    if not parts.answer.strip():
        raise DataError("no answer was found after the reasoning")
    return parts
