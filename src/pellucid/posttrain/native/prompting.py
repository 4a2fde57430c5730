"""Prompts made of an example's fields."""

import re
from dataclasses import dataclass

from pellucid.errors import InputError
from pellucid.posttrain.tasks.example import Example
from pellucid.registry import unknown_name

_FIELDS = ("prompt", "answer", "rationale", "hint")
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Template:
    """A text with places for fields of an example: {prompt}, {answer}, {rationale}, {hint}.

    What is put in is not searched for places again.

    Args:
        text: The text; braces around any other word are an error.

    Raises:
        InputError: It has a place for something that an example does not have.

    Example:
        >>> example = Example("2+3=", "5", None, "count on", 1.0, "2+3", "sums")
        >>> Template("{prompt} ({hint})")(example)
        '2+3= (count on)'
    """

    text: str

    def __post_init__(self) -> None:
        for name in _PLACE.findall(self.text):
            if name not in _FIELDS:
                raise unknown_name("field of an example", name, list(_FIELDS))

    def __call__(self, example: Example) -> str:
        """Return the text for an example.

        Raises:
            InputError: The example lacks a field that the text has a place for.
        """

        def filled(place: re.Match[str]) -> str:
            value = getattr(example, place[1])
            if value is None:
                raise InputError(f"the example {example.prompt[:60]!r} has no {place[1]}")
            return str(value)

        return _PLACE.sub(filled, self.text)


HINT_PROMPT = Template("{prompt}\nHint: {hint}\n")
"""A problem with its hint."""

EXPLAIN_PROMPT = Template(
    "{prompt}\nThe correct final answer is {answer}. Write the reasoning that leads from the "
    "problem to this answer, step by step, without saying that the answer was given.\n"
)
"""A problem with its answer, to be explained."""
