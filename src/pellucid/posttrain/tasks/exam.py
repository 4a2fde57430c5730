"""Multiple-choice questions with an expert's explanation, whose derivation is known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import DataError, InputError
from pellucid.posttrain.completions import same_answer, tagged, text_of
from pellucid.posttrain.tasks.datasets import Dataset, digest, load_dataset
from pellucid.posttrain.tasks.derivations import Derivation
from pellucid.posttrain.tasks.drawing import draw
from pellucid.posttrain.tasks.exam_subjects import LETTERS, SUBJECTS, Question, derivation
from pellucid.posttrain.tasks.example import Example
from pellucid.registry import unknown_name
from pellucid.seeds import stream


@dataclass(frozen=True)
class Exam:
    """Questions of physics, units, equations, genetics and logic with explained answers.

    The expert writes `<explanation>…</explanation><answer>B</answer>`: principle, data, steps,
    result, and why each other option is wrong. The order of the options and all wordings vary with
    the draw; questions that differ in nothing else are one group. The difficulty is the number of
    inferences, 2 to 4. Of a subject there are 66 (units) to 8064 (logic) groups, so large draws
    have more of the latter.

    Args:
        subjects: Which ones; every one by default.

    Raises:
        InputError: No subject, or an unknown one.
    """

    subjects: tuple[str, ...] = tuple(SUBJECTS)

    def __post_init__(self) -> None:
        object.__setattr__(self, "subjects", tuple(self.subjects))
        if not self.subjects:
            raise InputError("an exam needs at least one subject")
        for subject in self.subjects:
            if subject not in SUBJECTS:
                raise unknown_name("subject", subject, list(SUBJECTS))

    @property
    def name(self) -> str:
        """The name that its examples carry."""
        return "exam"

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return different questions; see `Task.examples`."""

        def make(rng: np.random.Generator) -> Example | None:
            subject = str(rng.choice(self.subjects))
            key = SUBJECTS[subject][0](rng)
            example = exam_example(":".join([subject, *key]), int(rng.integers(2**31)))
            return example if difficulty in (None, example.difficulty) else None

        return draw(self.name, n_examples, seed, make)

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether the one `<answer>` is the letter of the right option."""
        return same_answer(tagged(text_of(completion), "answer"), example.answer)


def exam_example(group_id: str, wording: int) -> Example:
    """Return a question in one of its wordings.

    Args:
        group_id: Subject and key, such as `units:hours:minutes:3`.
        wording: Seed of the words, of the order of the options and of the expert's phrasings.

    Raises:
        InputError: There is no such question.
    """
    question = _question(group_id)
    rng = stream(wording, "exam", group_id)
    stem = question.wordings[int(rng.integers(len(question.wordings)))]
    letters = _letters(question.right, [option for option, _ in question.wrong], rng)
    steps = derivation(question, letters)
    options = {letter: option for option, letter in sorted(letters.items(), key=lambda kv: kv[1])}
    return Example(
        prompt=exam_prompt(stem, options),
        answer=letters[question.right],
        rationale=completion(
            steps.written(lambda n: int(rng.integers(n))), letters[question.right]
        ),
        hint=question.hint,
        difficulty=float(question.n_inferences),
        group_id=group_id,
        task="exam",
        extra={"subject": group_id.partition(":")[0], "options": options, "wording": wording},
    )


def exam_derivation(example: Example) -> Derivation:
    """Return the derivation of an example of the exam, by which texts about it are measured.

    Raises:
        InputError: It is no example of the exam.
    """
    options = example.extra.get("options")
    if example.task != "exam" or not isinstance(options, Mapping):
        raise InputError(f"the example of group {example.group_id!r} is none of the exam")
    question = _question(example.group_id)
    letters = {str(option): str(letter) for letter, option in options.items()}
    if set(letters) != {question.right, *(option for option, _ in question.wrong)}:
        raise InputError(f"the options of group {example.group_id!r} are not those of its question")
    return derivation(question, letters)


def completion(explanation: str, answer: str) -> str:
    """Return an explained answer in the exam's form."""
    return f"<explanation> {explanation} </explanation> <answer> {answer} </answer>"


def exam_prompt(question: str, options: Mapping[str, str]) -> str:
    """Return a question with its options, one per line."""
    return "\n".join([question, *(f"{letter}: {option}" for letter, option in options.items())])


def load_exam(path: Path | str, *, split: str | None = None) -> Dataset:
    """Return stored exam questions: rows `{question, options, answer, explanation, …}`.

    `options` maps letters to texts, `answer` is a letter; `subject` and `difficulty` may be there.

    Raises:
        DataError: A row lacks a column, or its answer is none of its options.
    """
    columns = {"prompt": "question", "rationale": "explanation"}
    needed = ("prompt", "answer", "rationale")
    read = load_dataset(path, columns=columns, needed=needed, split=split)
    examples = tuple(
        _with_options(example, row, str(path)) for row, example in enumerate(read.examples)
    )
    return Dataset(examples, digest(examples), read.source)


def _with_options(example: Example, row: int, where: str) -> Example:
    options = example.extra.get("options")
    if not isinstance(options, Mapping) or not options:
        raise DataError(f"{where}, row {row + 1}: options must map letters to texts")
    kept = {str(letter): str(text) for letter, text in options.items() if text is not None}
    if example.answer not in kept:
        raise DataError(
            f"{where}, row {row + 1}: the answer {example.answer[:40]!r} is none of {list(kept)}"
        )
    return Example(
        prompt=exam_prompt(example.prompt, kept),
        answer=example.answer,
        rationale=completion(example.rationale or "", example.answer),
        hint=example.hint,
        difficulty=example.difficulty if example.difficulty is not None else math.nan,
        group_id=example.group_id,
        task=example.task,
        extra={**example.extra, "options": kept},
    )


def _question(group_id: str) -> Question:
    subject, _, key = group_id.partition(":")
    try:
        return SUBJECTS[subject][1](*key.split(":"))
    except (KeyError, ValueError, TypeError, IndexError, ZeroDivisionError, StopIteration):
        raise InputError(f"{group_id!r} is no question of the exam") from None


def _letters(right: str, wrong: list[str], rng: np.random.Generator) -> dict[str, str]:
    options = [right, *wrong]
    order = rng.permutation(len(options))
    return {options[int(k)]: LETTERS[place] for place, k in enumerate(order)}
