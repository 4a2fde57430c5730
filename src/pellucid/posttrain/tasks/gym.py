"""Any generator of reasoning-gym as a task, judged by its own scorer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import InputError
from pellucid.io.imports import optional_import
from pellucid.posttrain.completions import AnswerForm, extract_answer, text_of
from pellucid.posttrain.tasks.example import Example
from pellucid.registry import unknown_name
from pellucid.seeds import derived_seed

MAX_COMPLETION_CHARS = 20_000


@dataclass
class ReasoningGym:
    """A generator of reasoning-gym; it has no rationale and no hint.

    Some puzzles of reasoning-gym have no gold answer but many right ones; `answer` is empty then.

    The answer is read in the given form, and the whole text counts where the generator's own
    question already says how to answer. `verify` asks the generator's scorer and wants its full
    score. The group of an item is its question.

    Args:
        generator: Its name, such as `basic_arithmetic`.
        config: Its settings but `seed` and `size`, as reasoning-gym names them.
        form: Where the answer stands in a completion.
        difficulty_setting: Setting that `difficulty` sets, such as `min_digits`; without it,
            examples have the difficulty NaN.

    Raises:
        InputError: reasoning-gym is missing, has no such generator, or refuses the settings.
    """

    generator: str
    config: Mapping[str, Any] = field(default_factory=dict)
    form: AnswerForm = "whole"
    difficulty_setting: str | None = None
    _entries: dict[str, tuple[Any, dict[str, Any]]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        for taken in ("seed", "size"):
            if taken in self.config:
                raise InputError(f"{taken!r} of {self.generator} is set by examples(…)")
        self._dataset(seed=0, size=1, difficulty=None)

    @property
    def name(self) -> str:
        """The name that its examples carry."""
        return f"reasoning-gym-{self.generator}"

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return items with different questions; see `Task.examples`."""
        if n_examples < 0:
            raise InputError(f"n_examples must not be negative, got {n_examples}")
        first = derived_seed(seed, "task", self.name) % 2**31
        size = 20 * n_examples + 20
        dataset = self._dataset(seed=first, size=size, difficulty=difficulty)
        found: dict[str, Example] = {}
        for index in range(size):
            if len(found) == n_examples:
                return list(found.values())
            # without its setting a generator's item is a function of seed + index
            key = f"{first}:{index}:{'' if difficulty is None else difficulty}"
            example = self._example(dataset[index], difficulty, key)
            if example.group_id not in found:
                found[example.group_id] = example
                self._entries[key] = (dataset, dataset[index])
        raise InputError(
            f"{self.generator} has fewer than {n_examples} different questions with these "
            f"settings, {len(found)} were found"
        )

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether the generator's scorer gives the answer its full score."""
        return self.score(completion, example) >= 1.0

    def score(self, completion: Any, example: Example) -> float:
        """Return what the generator's scorer gives a completion, in 0..1.

        Raises:
            InputError: The example is of another generator or other settings.
        """
        dataset, entry = self._entry(example)
        answer = extract_answer(text_of(completion)[:MAX_COMPLETION_CHARS], self.form)
        if answer is None:
            return 0.0
        try:
            score = float(dataset.score_answer(answer=answer, entry=entry))
        except Exception:  # scorers parse the answer, each in its own way; what none reads is wrong
            return 0.0
        return min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0

    # --- inside ---

    def _dataset(self, *, seed: int, size: int, difficulty: float | None) -> Any:
        gym = optional_import("reasoning_gym", extra="llm")
        known = list(gym.factory.DATASETS)
        if self.generator not in known:
            raise unknown_name("generator of reasoning-gym", self.generator, known)
        options = {**self.config, "seed": seed, "size": size}
        if difficulty is not None:
            if self.difficulty_setting is None:
                raise InputError(
                    f"{self.generator} needs a difficulty_setting to be asked for a difficulty"
                )
            options[self.difficulty_setting] = _whole(difficulty)
        try:
            return gym.create_dataset(self.generator, **options)
        except (TypeError, ValueError, AssertionError) as failure:
            raise InputError(f"{self.generator} refuses its settings: {failure}") from None

    def _example(self, entry: Mapping[str, Any], difficulty: float | None, key: str) -> Example:
        return Example(
            prompt=str(entry["question"]),
            answer="" if entry["answer"] is None else str(entry["answer"]),
            rationale=None,
            hint=None,
            difficulty=math.nan if difficulty is None else float(difficulty),
            group_id=str(entry["question"]),
            task=self.name,
            extra={"item": key},
        )

    def _entry(self, example: Example) -> tuple[Any, dict[str, Any]]:
        key = example.extra.get("item")
        if example.task != self.name or not isinstance(key, str):
            raise InputError(f"the example is none of {self.name}")
        if key not in self._entries:  # examples that were stored, and this is another process
            seed, index, difficulty = key.split(":")
            dataset = self._dataset(
                seed=int(seed),
                size=int(index) + 1,
                difficulty=float(difficulty) if difficulty else None,
            )
            self._entries[key] = (dataset, dataset[int(index)])
        dataset, entry = self._entries[key]
        if str(entry["question"]) != example.prompt:
            raise InputError(f"the example was made by other settings of {self.generator}")
        return dataset, entry


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
