"""Explained answers of the exam with chosen flaws: what a base model learns to explain from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.tasks.exam import completion, exam_derivation
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import stream

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Flaws:
    """How often an explanation goes wrong, and how; each is a chance from 0 to 1.

    Args:
        dropped: A step is left out.
        misread: A step has another number in the place of one of its own.
        foreign: The principle is that of another question.
        shuffled: All steps are in another order.
        wrong_answer: Another option is chosen.

    Raises:
        InputError: A chance outside 0..1.
    """

    dropped: float = 0.35
    misread: float = 0.05
    foreign: float = 0.2
    shuffled: float = 0.25
    wrong_answer: float = 0.2

    def __post_init__(self) -> None:
        for name, chance in vars(self).items():
            if not 0 <= chance <= 1:
                raise InputError(f"{name} must be a chance from 0 to 1, got {chance}")


def on_one_line(example: Example) -> Example:
    """Return an example whose prompt has single spaces only, as word tokenizers need it."""
    return replace(example, prompt=" ".join(example.prompt.split()))


def flawed_texts(
    examples: Sequence[Example], n_texts: int, flaws: Flaws, *, seed: int
) -> list[tuple[str, str]]:
    """Return (prompt, completion) pairs of examples of the exam, in the exam's form.

    Args:
        examples: Of the exam; each comes equally often.
        n_texts: How many.
        flaws: What goes wrong.
        seed: Of the draws.

    Raises:
        InputError: No example, or one that is none of the exam.
    """
    if not examples:
        raise InputError("flawed explanations need at least one example, got none")
    rng = stream(seed, "flawed-explanations")
    derivations = [exam_derivation(example) for example in examples]
    pairs = []
    for number in range(n_texts):
        place = number % len(examples)
        other = derivations[int(rng.integers(len(examples)))]
        steps = [
            step if step.role != "principle" or rng.random() >= flaws.foreign else other.steps[0]
            for step in derivations[place].steps
        ]
        said = [
            _misread(step.phrasings[int(rng.integers(len(step.phrasings)))], flaws.misread, rng)
            for step in steps
            if rng.random() >= flaws.dropped
        ]
        if rng.random() < flaws.shuffled:
            said = [said[int(k)] for k in rng.permutation(len(said))]
        text = " ".join(f"{sentence}." for sentence in said or [steps[-1].phrasings[0]])
        answer = _answer(examples[place], flaws.wrong_answer, rng)
        pairs.append((examples[place].prompt, completion(text, answer)))
    return pairs


def words_of(examples: Sequence[Example], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return all words of examples and texts in a fixed order, for a word tokenizer."""
    texts = [part for pair in pairs for part in pair]
    for example in examples:
        texts += [example.prompt, example.rationale or ""]
        for step in exam_derivation(example).steps:
            texts += [f"{phrasing}." for phrasing in step.phrasings]
    return sorted({word for text in texts for word in text.split()})


def _misread(sentence: str, chance: float, rng: np.random.Generator) -> str:
    found = list(_NUMBER.finditer(sentence))
    if not found or rng.random() >= chance:
        return sentence
    # another number of the sentence: a word that is known anyway
    wrong, other = found[-1], found[0]
    put = other[0] if other[0] != wrong[0] else "1"
    return sentence[: wrong.start()] + put + sentence[wrong.end() :]


def _answer(example: Example, chance: float, rng: np.random.Generator) -> str:
    letters = [letter for letter in example.extra["options"] if letter != example.answer]
    if rng.random() >= chance:
        return example.answer
    return str(letters[int(rng.integers(len(letters)))])
