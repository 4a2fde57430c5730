"""Learning from self-written explanations of known answers (Zhou et al. 2025, ExPO).

The stand-in for problems that are too hard: walks through three machines of which the base model is
nearly always wrong. It cannot solve them, but told the path it can find the offsets that lead
there. The expert's worked solutions are right, in a wording that the base model hardly knows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pellucid.posttrain.native import Solved, Transformer, pad_left, pad_right, token_log_probs
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods import (
    ExplanationPreference,
    Method,
    Plain,
    SelfExplanation,
)
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.machines import (
    Machines,
    answered_prompt,
    path_from,
    path_in,
    right_path,
)
from pellucid.seeds import stream
from pellucid.systems.base_models import (
    Base,
    Size,
    answers_of,
    success,
    warm_started,
)

MAX_TOKENS = 28
"""The expert's wording of three steps needs 26 tokens with the end."""
HARD = 3
"""Doubted machines of a hard walk: all of them."""
LEVELS = (0, 1, 2, HARD)
"""Doubted machines of the walks that a policy is also tried on."""


@dataclass(frozen=True)
class Outcome:
    """What a policy solves of held-out hard walks, without being told anything.

    Args:
        first: pass@1.
        fourth: pass@4.
        by_level: pass@1 on held-out walks of each of `LEVELS`.
    """

    first: float
    fourth: float
    by_level: tuple[float, ...]


# --- the task ---


@lru_cache(maxsize=32)
def base_model(size: Size, seed: int) -> Base:
    """Return the base model of a seed; the arms of a seed share it."""
    world = machines(seed)
    texts = world.texts(size.n_texts, seed=seed, answered=0.55, insight=0.95, expert=0.02)
    return warm_started(world.vocabulary, texts, size, seed=seed)


def machines(seed: int) -> Machines:
    """Return the machines of a seed: nine times in ten, texts have one wrong offset of the hard."""
    return Machines(sure_trust=0.9, doubted_trust=0.01, habit_share=0.91, seed=seed)


def hard_walks(size: Size, seed: int) -> tuple[list[Example], list[Example]]:
    """Return hard walks to train on, and others that are held out."""
    walks = machines(seed).examples(size.n_train + size.n_test, seed=seed, difficulty=HARD)
    return walks[: size.n_train], walks[size.n_train :]


def easier_walks(level: int, size: Size, seed: int) -> list[Example]:
    """Return walks with fewer doubted machines; none is ever trained on."""
    return machines(seed).examples(size.n_test, seed=seed, difficulty=level)


def wrong_answer(example: Example) -> str:
    """Return the path of other offsets, drawn once for each walk; it goes wrong at each step."""
    rng = stream(0, "self-explanation", "wrong", example.prompt)
    gold = [int(value) for value in example.answer.split()]
    shifts = path_from(0, rng.integers(1, 4, len(gold)).tolist())
    return " ".join(str((value + shift) % 10) for value, shift in zip(gold, shifts, strict=True))


# --- learning ---


def _explains(answer: Callable[[Example], str]) -> dict[str, Any]:
    """Return how an answer is explained: what is asked, kept and taught."""
    return {
        "explain_prompt": lambda example: answered_prompt(example.prompt, answer(example)),
        "keep": lambda example, text: path_in(text) == answer(example),
        "answer_marker": " path",
        "answer_tail": lambda example: f" path {answer(example)}",
    }


def _answer(example: Example) -> str:
    return example.answer


OWN = _explains(_answer)
METHODS: dict[str, Method] = {
    "groups alone": Plain(),
    "expert": SelfExplanation(**OWN, target="expert"),
    "beta 0.01": SelfExplanation(**OWN, beta=0.01),
    "beta 0.04": SelfExplanation(**OWN, beta=0.04),
    "beta 0.1": SelfExplanation(**OWN, beta=0.1),
    "beta 0.5": SelfExplanation(**OWN, beta=0.5),
    "likelihood alone": SelfExplanation(**OWN, beta=1.0, policy_term=False),
    "explained once": SelfExplanation(
        **OWN, beta=1.0, policy_term=False, explain_with="initial", only_unsolved=False
    ),
    "wrong answers": SelfExplanation(**_explains(wrong_answer)),
    "preference online": ExplanationPreference(**OWN),
    "preference offline": ExplanationPreference(**OWN, explain_with="initial"),
    "preference for the expert": ExplanationPreference(**OWN, target="expert"),
}
"""By arm; `explained once` is the self-taught reasoner: explain, keep what is right, imitate."""


@lru_cache(maxsize=256)
def learned(arm: str, size: Size, seed: int) -> Outcome:
    """Train the base model on hard walks by one method; return what it then solves.

    Args:
        arm: One of `METHODS`, or `base` for no training.
        size: Of everything.
        seed: Of the machines, the base model and the training.
    """
    base = base_model(size, seed)
    walks, held_out = hard_walks(size, seed)
    model = base.copy()
    if arm != "base":
        config = TrainingConfig(
            method=METHODS[arm],
            # without a divergence from the base model, which would pull against explanations
            recipe=Recipe(std="group", reduction="token_mean"),
            n_updates=size.n_updates,
            prompts_per_update=size.prompts,
            samples_per_prompt=size.samples,
            max_new_tokens=MAX_TOKENS,
            learning_rate=size.learning_rate,
            seed=seed,
            # groups alone wait for a first success that may never come
            patience=None,
        )
        train(model, base.tokenizer, walks, {"right": right_path}, config)
    hard = _solved(model, base, held_out, size, seed)
    easier = [
        success(_solved(model, base, easier_walks(level, size, seed), size, seed))
        for level in LEVELS[:-1]
    ]
    return Outcome(success(hard), success(hard, 4), (*easier, success(hard)))


def _solved(
    model: Transformer, base: Base, walks: Sequence[Example], size: Size, seed: int
) -> list[Solved]:
    return answers_of(
        model,
        base,
        walks,
        machines(seed).verify,
        n_samples=size.n_tries,
        max_new_tokens=MAX_TOKENS,
        seed=seed,
    )


# --- what makes a good positive ---


@lru_cache(maxsize=64)
def properties(size: Size, seed: int) -> dict[str, float]:
    """Measure explanations, own responses and expert's steps under the base model and plain prompt.

    Of the explanations of a walk the first sound one counts; walks without one are left out.

    Returns:
        Negative log-likelihood per token of `own`, `explained` and `expert` texts, nats; and the
        log-probability of the right path after the steps of `own` and `explained` ones
        (`own lift`, `explained lift`), nats.
    """
    base, world = base_model(size, seed), machines(seed)
    walks, _ = hard_walks(size, seed)
    own = _steps_of(base, walks, [walk.prompt for walk in walks], 1, seed)
    told = [answered_prompt(walk.prompt, walk.answer) for walk in walks]
    explained = _steps_of(base, walks, told, size.n_tries, seed)
    chosen: dict[str, list[tuple[Example, str]]] = {"own": [], "explained": [], "expert": []}
    for walk, (response,), tries in zip(walks, own, explained, strict=True):
        sound = [text for text in tries if world.sound(f"{text} path {walk.answer}", walk)]
        if sound:
            chosen["own"].append((walk, response))
            chosen["explained"].append((walk, sound[0]))
            chosen["expert"].append((walk, (walk.rationale or "").partition(" path")[0]))
    found = {"kept": len(chosen["own"]) / len(walks)}
    for name, steps in chosen.items():
        found |= {f"{name} {part}": value for part, value in _scored(base, steps).items()}
    return found


def _steps_of(
    base: Base, walks: Sequence[Example], prompts: Sequence[str], n_tries: int, seed: int
) -> list[list[str]]:
    """Return the steps, up to an answer, of each try of the base model under each prompt."""
    posed = [replace(walk, prompt=prompt) for walk, prompt in zip(walks, prompts, strict=True)]
    solved = answers_of(
        base.model,
        base,
        posed,
        lambda text, example: None,
        n_samples=n_tries,
        max_new_tokens=MAX_TOKENS,
        seed=seed,
    )
    return [[text.partition(" path")[0] for text in one.completions] for one in solved]


def _scored(base: Base, chosen: Sequence[tuple[Example, str]]) -> dict[str, float]:
    """Return the mean negative log-likelihood per token of steps, and that of the right path."""
    if not chosen:
        return {"nll": float("nan"), "lift": float("nan")}
    steps, tails = [], []
    for walk, text in chosen:
        whole = _log_probs(base, base.model, walk.prompt, f"{text} path {walk.answer}")
        n_tail = len(walk.answer.split())
        steps.append(float(-whole[: -n_tail - 1].mean()))
        tails.append(float(whole[-n_tail:].sum()))
    return {"nll": sum(steps) / len(steps), "lift": sum(tails) / len(tails)}


def _log_probs(base: Base, model: Transformer, prompt: str, text: str) -> Float[Tensor, " tokens"]:
    tokenizer = base.tokenizer
    with torch.no_grad():
        scored = token_log_probs(
            model,
            *pad_left([tokenizer.encode(prompt)], pad_id=tokenizer.pad_id),
            *pad_right([tokenizer.encode(text)], pad_id=tokenizer.pad_id),
        )
    return scored.log_probs[0]


# --- the lemma ---


def lemma_holds(n_posteriors: int, n_steps: int, seed: int) -> bool:
    """Return whether explanations drawn from the posterior make the answer likelier, always.

    With p(c) = π(a|q,c): E over π(c|q,a) of p is E[p²] / E[p], at least E[p] over π(c|q).

    Args:
        n_posteriors: Random discrete distributions to try.
        n_steps: Possible explanations of each.
        seed: Of the distributions.

    Source: Zhou et al. 2025, Lemma 2.
    """
    rng = stream(seed, "self-explanation", "lemma")
    prior = rng.dirichlet([0.5] * n_steps, n_posteriors)
    answer = rng.random((n_posteriors, n_steps)) ** 3
    posterior = prior * answer
    posterior /= posterior.sum(1, keepdims=True)
    before, after = (prior * answer).sum(1), (posterior * answer).sum(1)
    by_moments = (prior * answer**2).sum(1) / before
    return bool((after >= before - 1e-12).all() and abs(after - by_moments).max() < 1e-9)
