"""Closeness to an expert's explanation as a reward (Pappone et al. 2025, Semantic GRPO).

The stand-in: exam questions on units whose expert explanations come from derivations, so that what
an explanation says can be measured without the reward. The base model learns from explanations
with missing, misread, misplaced and foreign steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from pellucid.posttrain.native import Solved, Transformer
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.rewards import (
    CachedEncoder,
    SemanticReward,
    exact_answer_reward,
    minilm_encoder,
    rouge_l,
    rouge_reward,
)
from pellucid.posttrain.rewards.explained import explained, explanation_of
from pellucid.posttrain.rewards.function import RewardFunction
from pellucid.posttrain.tasks.derivations import contradiction_rate, step_coverage, step_order
from pellucid.posttrain.tasks.exam import Exam, exam_derivation, exam_example
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.flawed_explanations import (
    Flaws,
    flawed_texts,
    on_one_line,
    words_of,
)
from pellucid.posttrain.tasks.splits import split_by_group
from pellucid.seeds import stream
from pellucid.systems.base_models import Base, Size, answers_of, success, warm_started

SUBJECT = "units"
N_QUESTIONS = 60
N_WORDINGS = 6
"""Of each question; wording, phrasings and letters of the options differ."""
MAX_TOKENS = 80
MIN_WORDS = 8
N_FLOOR = 24
"""References of other questions that the floor of the reward is taken from."""
START, STEP = 1500.0, 32.0
"""First rating, and K."""
N_ORDERS = 100


# --- the task ---


@lru_cache(maxsize=32)
def base_model(size: Size, seed: int) -> Base:
    """Return the base model of a seed; all arms share it."""
    train_on, held_out = questions(size, seed)
    texts = flawed_texts(train_on, size.n_texts, Flaws(), seed=seed)
    return warm_started(words_of([*train_on, *held_out], texts), texts, size, seed=seed)


def questions(size: Size, seed: int) -> tuple[list[Example], list[Example]]:
    """Return questions to train on, in several wordings each, and others that are held out."""
    rng = stream(seed, "semantic-reward", "wordings")
    found = Exam((SUBJECT,)).examples(N_QUESTIONS, seed=seed)
    worded = [
        on_one_line(exam_example(example.group_id, int(wording)))
        for wording in rng.integers(2**31, size=N_WORDINGS)
        for example in found
    ]
    split = split_by_group(worded, test_share=0.3, seed=seed)
    return list(split.train[: size.n_train]), list(split.test[: size.n_test])


# --- rewards ---

ARMS = ("answer", "rouge", "semantic", "semantic and rouge")


def rewards_of(arm: str, references: Sequence[str]) -> dict[str, RewardFunction]:
    """Return the rewards of an arm; all of them pay for a right answer.

    Args:
        arm: One of `ARMS`.
        references: Explanations of other questions, for the floor of the semantic reward.
    """
    right = exact_answer_reward(form="tag")
    rouge = rouge_reward(section="explanation")
    if arm == "answer":
        return {"right": right}
    if arm == "rouge":
        return {"right": right, "rouge": rouge}
    semantic = SemanticReward(_encoder(), references=references, min_words=MIN_WORDS)
    return {"semantic": semantic} | ({"rouge": rouge} if arm == "semantic and rouge" else {})


@lru_cache(maxsize=1)
def _encoder() -> CachedEncoder:
    # one for the process: it takes seconds to load, and sentences come again and again
    return CachedEncoder(minilm_encoder())


# --- learning ---


@dataclass(frozen=True)
class Quality:
    """What explanations of held-out questions are like, by what no reward sees.

    Args:
        coverage: Share of the expert's steps that are said.
        order: Share of pairs of them in the expert's order.
        contradictions: Share of sentences that contradict a step.
        accuracy: Share of right answers.
        rouge: ROUGE-L with the expert's explanation.
        tfidf: Cosine with it by words weighted by rarity.
    """

    coverage: float
    order: float
    contradictions: float
    accuracy: float
    rouge: float
    tfidf: float


@dataclass(frozen=True)
class Outcome:
    """What became of one run.

    Args:
        quality: After training.
        before: Of the base model.
        reward_gain: Mean reward of the last fifth of the updates minus that of the first.
        rating: Elo rating against the base model, both from 1500.
    """

    quality: Quality
    before: Quality
    reward_gain: float
    rating: float


@lru_cache(maxsize=256)
def learned(arm: str, size: Size, seed: int) -> Outcome:
    """Train the base model by the rewards of an arm.

    Args:
        arm: One of `ARMS`, or `base` for no training.
        size: Of everything.
        seed: Of the questions, the base model and the training.
    """
    base = base_model(size, seed)
    train_on, held_out = questions(size, seed)
    model, gain = base.copy(), 0.0
    if arm != "base":
        references = [explanation_of(e.rationale or "") for e in train_on[:N_FLOOR]]
        config = TrainingConfig(
            recipe=Recipe(kl=0.01),
            n_updates=size.n_updates,
            prompts_per_update=size.prompts,
            samples_per_prompt=size.samples,
            max_new_tokens=MAX_TOKENS,
            learning_rate=size.learning_rate,
            seed=seed,
            patience=None,
        )
        history = train(
            model, base.tokenizer, train_on, rewards_of(arm, references), config
        ).history
        fifth = max(1, len(history) // 5)
        totals = [row.total for row in history]
        gain = float(np.mean(totals[-fifth:]) - np.mean(totals[:fifth]))
    before = _answers(base.model, base, held_out, size, seed)
    after = _answers(model, base, held_out, size, seed)
    pairs = list(zip(_judged(held_out, after), _judged(held_out, before), strict=True))
    return Outcome(
        quality(held_out, after), quality(held_out, before), gain, rating(pairs, seed=seed)
    )


def quality(examples: Sequence[Example], solved: Sequence[Solved]) -> Quality:
    """Measure the explanations of examples; what has not the form explains nothing.

    Args:
        examples: Of the exam.
        solved: What was written on each.
    """
    rows = []
    for example, one in zip(examples, solved, strict=True):
        derivation = exam_derivation(example)
        wanted = explanation_of(example.rationale or "")
        for text in one.completions:
            said = _explanation(text)
            rows.append(
                (
                    step_coverage(said, derivation),
                    step_order(said, derivation),
                    contradiction_rate(said, derivation),
                    rouge_l(said, wanted),
                    _tfidf(said, wanted),
                )
            )
    means = [
        float(np.nanmean(column)) if _any(column) else np.nan for column in zip(*rows, strict=True)
    ]
    return Quality(means[0], means[1], means[2], success(solved), means[3], means[4])


def rating(pairs: Sequence[tuple[float, float]], *, seed: int, n_orders: int = N_ORDERS) -> float:
    """Return the Elo rating of the first of two players, both from 1500 with K = 32.

    Every pair is a game that the higher number wins; games are played in random orders, and the
    final ratings averaged.

    Args:
        pairs: What a judge gave both players on each question.
        seed: Of the orders.
        n_orders: How many.

    Source: Elo 1978.
    """
    rng = stream(seed, "semantic-reward", "orders")
    scores = [1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs]
    finals = []
    for _ in range(n_orders):
        gap = 0.0
        for place in rng.permutation(len(scores)):
            expected = 1 / (1 + 10 ** (-gap / 400))
            # what one gains the other loses
            gap += 2 * STEP * (scores[int(place)] - expected)
        finals.append(START + gap / 2)
    return float(np.mean(finals))


def _answers(
    model: Transformer, base: Base, examples: Sequence[Example], size: Size, seed: int
) -> list[Solved]:
    return answers_of(
        model,
        base,
        examples,
        Exam((SUBJECT,)).verify,
        n_samples=size.n_tries,
        max_new_tokens=MAX_TOKENS,
        seed=seed,
    )


def _judged(examples: Sequence[Example], solved: Sequence[Solved]) -> list[float]:
    """Return what an oracle that knows the derivations gives each text."""
    found = []
    for example, one in zip(examples, solved, strict=True):
        derivation = exam_derivation(example)
        for text, right in zip(one.completions, one.correct, strict=True):
            said = _explanation(text)
            wrong = contradiction_rate(said, derivation)
            penalty = 0.0 if np.isnan(wrong) else wrong
            found.append(step_coverage(said, derivation) - penalty + 0.1 * bool(right))
    return found


def _explanation(text: str) -> str:
    parts = explained(text, "tags", min_words=1)
    return "" if parts is None else parts.explanation


def _tfidf(text: str, reference: str) -> float:
    if not text.strip():
        return 0.0
    rows = _vectorizer().transform([text, reference]).toarray()
    return float(rows[0] @ rows[1])


@lru_cache(maxsize=1)
def _vectorizer() -> TfidfVectorizer:
    known = Exam((SUBJECT,)).examples(N_QUESTIONS, seed=0)
    texts = [explanation_of(example.rationale or "") for example in known]
    return TfidfVectorizer(analyzer=str.split).fit(texts)


def _any(column: Sequence[float]) -> bool:
    return not bool(np.isnan(column).all())
