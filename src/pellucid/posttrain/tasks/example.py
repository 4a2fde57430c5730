"""One problem with everything a method may learn from, and what a source of such problems does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol


@dataclass(frozen=True)
class Example:
    """One row of a task or a data set; rewards get its fields as columns of these names.

    Args:
        prompt: The problem as plain text.
        answer: The gold answer.
        rationale: An expert's worked steps, ending with the answer in the task's form; None if
            there are none.
        hint: What helps without telling the answer; None if there is none.
        difficulty: In the unit that the task documents; NaN if unknown.
        group_id: Equal for items of one origin; splits never part them.
        task: Name of the task or data set.
        messages: The prompt as chat messages, where the data set has it so.
        extra: Further columns of the data set, passed to rewards by name.
    """

    prompt: str
    answer: str
    rationale: str | None
    hint: str | None
    difficulty: float
    group_id: str
    task: str
    messages: tuple[Mapping[str, Any], ...] | None = field(default=None, hash=False)
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


class Task(Protocol):
    """A procedural source of examples that knows what a right completion is."""

    @property
    def name(self) -> str:
        """The name that its examples carry."""

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return examples with distinct groups; the same seed gives the same ones.

        Args:
            n_examples: How many.
            seed: Of the stream that they are drawn from.
            difficulty: Only of this difficulty, in the task's unit; None for the task's mixture.

        Raises:
            InputError: The task has not that many, or not that difficulty.
        """

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether a completion (text or messages) solves the example."""


def reward_columns(examples: Sequence[Example]) -> dict[str, list[Any]]:
    """Return the columns that reward functions get by name, one value per example.

    As in TRL, `prompts` has the prompts and each further field its own name; a column of `extra`
    is None for examples without it.

    Example:
        >>> one = Example("1+1=", "2", None, None, 1.0, "1+1", "sums")
        >>> reward_columns([one, one])["answer"]
        ['2', '2']
    """
    own = [f.name for f in fields(Example) if f.name not in ("prompt", "messages", "extra")]
    columns: dict[str, list[Any]] = {"prompts": [example.prompt for example in examples]}
    for name in own:
        columns[name] = [getattr(example, name) for example in examples]
    # in order of first occurrence: equal examples give equal bytes
    for name in dict.fromkeys(key for example in examples for key in example.extra):
        columns.setdefault(name, [example.extra.get(name) for example in examples])
    return columns
