"""Rewards explanations that say, sentence by sentence, what an expert's explanation says."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from pellucid.errors import InputError
from pellucid.posttrain.completions import same_answer, text_of
from pellucid.posttrain.objectives.semantic_reward import (
    gated_rewards,
    length_factors,
    sentence_similarity,
    similarity_above_floor,
)
from pellucid.posttrain.rewards.consistency import agreement
from pellucid.posttrain.rewards.encoders import CachedEncoder, Encoder, minilm_encoder
from pellucid.posttrain.rewards.explained import (
    Explained,
    ExplainedForm,
    explained,
    explanation_of,
    sentences_of,
)
from pellucid.posttrain.rewards.function import column_of, texts_in

_MAX_FLOOR_REFERENCES = 24


@dataclass
class SemanticReward:
    """Closeness to the expert's explanation, above what another question's would get, and gated.

    r = r_fmt (w_a r_acc + w_s r_sem (0.5 + 0.5 r_acc)). r_sem compares the explanation part alone:
    2PR / (P + R) over the cosines of its sentences with those of the reference; minus and divided
    by the floor b, the mean that explanations of other questions get; times a length factor
    outside half to twice the reference's words. Each sentence that contradicts the one that it is
    closest to, in numbers, units, negation or order, which encoders hardly see, halves r_sem; a
    sentence that is repeated counts nothing.

    Args:
        encoder: Texts to one vector each; None for all-MiniLM-L6-v2. Asked once per sentence.
        references: Explanations of other questions for the floor, best those of the training
            split. Without them the other references of a call are taken, and no floor if there is
            none.
        form: How explanation and answer are told apart.
        min_words: Fewest words of an explanation that has the form.
        max_words: Most words of it.
        similarity_weight: w_s.
        answer_weight: w_a.
        gated: False for r_fmt r_sem alone.
        contradictions: Whether sentence pairs are checked for contradictions.
        column: Column with the reference: an explanation, with or without its answer in one of the
            two forms, or a list of which the nearest counts. None without a reference.
        answer_column: Column with the gold answer.

    Raises:
        InputError: Bounds of words that exclude each other, or the encoder is missing.

    Source: after Pappone et al. 2025 (arXiv 2509.13081), who add the plain cosine to rewards for
    answer and form; floor, sentences, gate and contradictions are ours.
    """

    encoder: Encoder | None = None
    references: Sequence[str] = ()
    form: ExplainedForm = "tags"
    min_words: int = 20
    max_words: int = 400
    similarity_weight: float = 1.0
    answer_weight: float = 1.0
    gated: bool = True
    contradictions: bool = True
    column: str = "rationale"
    answer_column: str = "answer"
    _encode: CachedEncoder = field(init=False, repr=False)
    _pool: tuple[str, ...] = field(init=False, repr=False)
    _floors: dict[tuple[str, tuple[str, ...]], float] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        if not 1 <= self.min_words <= self.max_words:
            raise InputError(f"no explanation has {self.min_words} to {self.max_words} words")
        self._encode = CachedEncoder(minilm_encoder() if self.encoder is None else self.encoder)
        self._pool = tuple(explanation_of(reference) for reference in self.references)
        self.__name__ = "semantic" if self.gated else "semantic_similarity"

    @property
    def n_truncated(self) -> int:
        """Sentences that were longer than the encoder reads."""
        return int(getattr(self._encode.encoder, "n_truncated", 0))

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """Return the rewards; see `RewardFunction`."""
        n = len(completions)
        given = column_of(columns, self.column, n, self.__name__)
        answers = (
            column_of(columns, self.answer_column, n, self.__name__) if self.gated else [""] * n
        )
        references = [_references(value) for value in given]
        parts = [self._explained(text_of(completion)) for completion in completions]
        pool = self._pool or tuple(dict.fromkeys(r for row in references for r in row))
        similarities = self.similarities(
            ["" if part is None else part.explanation for part in parts], references, pool
        )
        rewards = self._rewards(similarities, parts, answers)
        return [
            reward if row and (gold or not self.gated) else None
            for reward, row, gold in zip(rewards, references, answers, strict=True)
        ]

    def similarities(
        self, texts: Sequence[str], references: Sequence[Sequence[str]], pool: Sequence[str] = ()
    ) -> list[float]:
        """Return r_sem of each explanation with the nearest of its references.

        Args:
            texts: Explanations; an empty one gets 0.
            references: Those of each text.
            pool: Explanations of other questions, for the floors.
        """
        wanted = dict.fromkeys(reference for row in references for reference in row)
        chosen = {reference: _others(reference, pool) for reference in wanted}
        known = [*texts, *wanted, *(other for others in chosen.values() for other in others)]
        # every sentence of the batch in one call
        self._encode(list(dict.fromkeys(s for text in known for s in sentences_of(text))))
        return [
            max((self._one(text, reference, chosen[reference]) for reference in row), default=0.0)
            if text
            else 0.0
            for text, row in zip(texts, references, strict=True)
        ]

    # --- inside ---

    def _explained(self, text: str) -> Explained | None:
        return explained(text, self.form, min_words=self.min_words, max_words=self.max_words)

    def _rewards(
        self,
        similarities: Sequence[float],
        parts: Sequence[Explained | None],
        answers: Sequence[Any],
    ) -> list[float]:
        well_formed = torch.tensor([float(part is not None) for part in parts])
        close = torch.tensor(similarities)
        if not self.gated:
            return [float(value) for value in close * well_formed]
        right = torch.tensor(
            [
                float(part is not None and same_answer(part.answer, str(gold)))
                for part, gold in zip(parts, answers, strict=True)
            ]
        )
        gated = gated_rewards(
            close,
            right,
            well_formed,
            similarity_weight=self.similarity_weight,
            answer_weight=self.answer_weight,
        )
        return [float(value) for value in gated]

    def _one(self, text: str, reference: str, others: tuple[str, ...]) -> float:
        floor = self._floor(reference, others)
        if floor >= 1:  # all other references say the same: nothing can be told from this one
            return 0.0
        close = torch.tensor([self._matching(text, reference)])
        above = similarity_above_floor(close, torch.tensor([floor]))
        lengths = [torch.tensor([float(len(part.split()))]) for part in (text, reference)]
        factor = length_factors(lengths[0], lengths[1])
        return float(above * factor) * self._agreement(text, reference)

    def _floor(self, reference: str, others: tuple[str, ...]) -> float:
        key = (reference, others)
        if others and key not in self._floors:
            if len(self._floors) > 100_000:
                self._floors.clear()
            found = [self._matching(other, reference) for other in others]
            self._floors[key] = float(np.mean(found))
        return self._floors.get(key, 0.0)

    def _matching(self, text: str, reference: str) -> float:
        said, wanted = sentences_of(text), sentences_of(reference)
        if not said or not wanted:
            return 0.0
        cosines = self._encode(said) @ self._encode(wanted).T
        # saying it again adds nothing to a text and costs precision
        first = {sentence.casefold(): row for row, sentence in reversed(list(enumerate(said)))}
        cosines[[row for row in range(len(said)) if row not in set(first.values())]] = 0.0
        return float(sentence_similarity(torch.from_numpy(cosines)))

    def _agreement(self, text: str, reference: str) -> float:
        said, wanted = sentences_of(text), sentences_of(reference)
        if not (self.contradictions and said and wanted):
            return 1.0
        return agreement(said, wanted, self._encode(said) @ self._encode(wanted).T)


def _references(value: Any) -> tuple[str, ...]:
    explanations = (explanation_of(text) for text in texts_in(value))
    return tuple(text for text in explanations if sentences_of(text))


def _others(reference: str, pool: Sequence[str]) -> tuple[str, ...]:
    # by a hash and not by position: the floor does not depend on the order of the data
    ranked = sorted(
        {other for other in pool if other != reference},
        key=lambda other: hashlib.sha256(f"{reference}\n{other}".encode()).digest(),
    )
    return tuple(ranked[:_MAX_FLOOR_REFERENCES])
