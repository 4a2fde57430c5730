"""Derivations: what an expert's explanation says step by step, and how much of it a text says."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["principle", "data", "step", "result", "distractor"]
"""What a sentence does: names the law, reads off the question, infers, concludes, or says why an
option is wrong."""

_TOKEN = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?;])[ \t]+|\n")
_MAX_CHARS = 20_000


@dataclass(frozen=True)
class Step:
    """One thing that the explanation says.

    A sentence is about the step if it has every phrase of one of the topics. It says the step if it
    has the facts too. It contradicts the step if it lacks facts and has a number or a rival that
    the step does not have.

    Args:
        role: What it does.
        phrasings: Sentences that say it, without the final full stop; any of them will do.
        topics: Alternatives, each a tuple of phrases (words as written, case kept).
        facts: Words that must be there.
        rivals: Words that would be wrong in the place of a fact.
    """

    role: Role
    phrasings: tuple[str, ...]
    topics: tuple[tuple[str, ...], ...]
    facts: frozenset[str]
    rivals: frozenset[str] = frozenset()

    def is_about(self, sentence: str) -> bool:
        """Whether a sentence is about this step."""
        plain = _plain(sentence)
        return any(all(f" {phrase} " in plain for phrase in topic) for topic in self.topics)

    def is_said_by(self, sentence: str) -> bool:
        """Whether a sentence says this step."""
        return self.is_about(sentence) and self.facts <= set(_tokens(sentence))

    def is_contradicted_by(self, sentence: str) -> bool:
        """Whether a sentence says something else in the place of this step."""
        if not self.is_about(sentence) or self.is_said_by(sentence):
            return False
        own = set(_tokens(" ".join(self.phrasings)))
        return any(
            token not in own and (token.isdigit() or token in self.rivals)
            for token in _tokens(sentence)
        )


@dataclass(frozen=True)
class Derivation:
    """The steps of an explanation in their order: principle, data, steps, result, distractors.

    Args:
        steps: At least one.
        premises: For each step, the positions of the steps that it follows from.
    """

    steps: tuple[Step, ...]
    premises: tuple[tuple[int, ...], ...] = field(default=())

    def written(self, choose: Callable[[int], int] | None = None) -> str:
        """Return the explanation as text.

        Args:
            choose: `choose(n)` picks one of n phrasings; None takes the first of each.
        """
        said = [step.phrasings[choose(len(step.phrasings)) if choose else 0] for step in self.steps]
        return " ".join(f"{sentence}." for sentence in said)


def step_coverage(text: str, derivation: Derivation) -> float:
    """Return the share of the steps that some sentence of a text says."""
    said = _first_places(text, derivation)
    return sum(place is not None for place in said) / len(said)


def step_order(text: str, derivation: Derivation) -> float:
    """Return the share of pairs of said steps that come in the derivation's order; NaN below two.

    A pair in one sentence is in order.
    """
    places = [place for place in _first_places(text, derivation) if place is not None]
    pairs = [first <= second for k, first in enumerate(places) for second in places[k + 1 :]]
    return sum(pairs) / len(pairs) if pairs else math.nan


def contradiction_rate(text: str, derivation: Derivation) -> float:
    """Return the share of a text's sentences that contradict a step; NaN without sentences.

    A sentence that says one step contradicts none.
    """
    sentences = _sentences(text)
    if not sentences:
        return math.nan
    return sum(_contradicts(sentence, derivation) for sentence in sentences) / len(sentences)


def _contradicts(sentence: str, derivation: Derivation) -> bool:
    if any(step.is_said_by(sentence) for step in derivation.steps):
        return False
    return any(step.is_contradicted_by(sentence) for step in derivation.steps)


def _first_places(text: str, derivation: Derivation) -> list[int | None]:
    sentences = _sentences(text)
    return [
        next((k for k, sentence in enumerate(sentences) if step.is_said_by(sentence)), None)
        for step in derivation.steps
    ]


def _sentences(text: str) -> list[str]:
    parts = _SENTENCE_END.split(text[:_MAX_CHARS])
    return [part for part in parts if _TOKEN.search(part)]


def _tokens(text: str) -> Sequence[str]:
    return _TOKEN.findall(text)


def _plain(text: str) -> str:
    return f" {' '.join(_tokens(text))} "
