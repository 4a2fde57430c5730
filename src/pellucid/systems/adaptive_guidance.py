"""Hints where every response fails, learned without the hint (Nath et al. 2025, Guide).

The stand-in: half of the walks go through machines that the base model gets right three times in
four, half through machines that it nearly always gets wrong, so that a walk of three is never
solved by luck. A hint that tells their offsets is followed three times in four at each.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

from pellucid.posttrain.native import Solved, Transformer
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods import Guidance, Method, Plain
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.recording.rows import UpdateRow
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.machines import Machines, hinted_prompt, right_path
from pellucid.seeds import stream
from pellucid.systems.base_models import Base, Size, answers_of, success, warm_started

LENGTH = 5
"""Machines of a walk; in a hard one all of them are doubted."""
MAX_TOKENS = 30
TOKENS_OF_WALK = 27
"""A response of five steps, with its end."""
TRUST = 0.12
"""How often texts are right about a doubted machine: the walk is out of reach, each step is not."""
N_TRIES = 16
"""A walk is solvable if one of this many responses is right, as in the source."""


# --- the task ---


@lru_cache(maxsize=32)
def base_model(size: Size, seed: int) -> Base:
    """Return the base model of a seed; the arms of a seed share it."""
    world = machines(seed)
    texts = world.texts(size.n_texts, seed=seed, hinted=0.45, obedience=0.85)
    return warm_started(world.vocabulary, texts, size, seed=seed)


def machines(seed: int) -> Machines:
    """Return the machines of a seed."""
    return Machines(
        sure_trust=0.85, doubted_trust=TRUST, habit_share=0.5, lengths=(LENGTH,), seed=seed
    )


def walks(size: Size, seed: int) -> tuple[list[Example], list[Example]]:
    """Return walks to train on, half easy and half hard, and hard ones that are held out."""
    world, n_each = machines(seed), size.n_train // 2
    easy = world.examples(n_each, seed=seed, difficulty=0)
    hard = world.examples(n_each + size.n_test, seed=seed, difficulty=LENGTH)
    return [*easy, *hard[:n_each]], hard[n_each:]


def mismatched(example: Example) -> Example:
    """Return an example whose hint tells wrong offsets, drawn once for each walk."""
    if example.hint is None:
        return example
    rng = stream(0, "adaptive-guidance", "mismatched", example.prompt)
    words = example.hint.split()
    for place in range(1, len(words), 2):
        words[place] = f"+{(int(words[place]) - 1 + int(rng.integers(1, 9))) % 9 + 1}"
    return replace(example, hint=" ".join(words))


# --- learning ---


@dataclass(frozen=True)
class Outcome:
    """What became of one run.

    Args:
        first: pass@1 on held-out hard walks, without hints.
        sixteenth: pass@16 likewise.
        hinted: pass@1 on them with hints.
        needed: Share of prompts that were hinted, first and last fifth of the updates; NaN if
            the method has no hints.
        entropy: Of the policy on its training prompts, mean over the last fifth, nats per token.
        gains: How much of the change of pass@1 comes from walks that were `solvable` before, at 16
            tries, and from those that were `unsolvable`.
        n_updates: Updates within the budget of tokens.
    """

    first: float
    sixteenth: float
    hinted: float
    needed: tuple[float, float]
    entropy: float
    gains: dict[str, float]
    n_updates: int


GUIDED = Guidance(hint_prompt=hinted_prompt)
METHODS: dict[str, Method] = {
    "groups alone": Plain(),
    "filtered": Plain(filter_uniform=True),
    "guided": GUIDED,
    "hinted prompt": replace(GUIDED, correction="train_on_hint"),
    "uncorrected": replace(GUIDED, correction="none"),
    "half hinted": replace(GUIDED, hinted_share=0.5),
    "imitated": replace(GUIDED, correction="imitate"),
    "mismatched hints": GUIDED,
}
"""By arm; each is given the same number of generated tokens."""


@lru_cache(maxsize=256)
def learned(arm: str, size: Size, seed: int) -> Outcome:
    """Train the base model by one method, within a budget of generated tokens.

    Args:
        arm: One of `METHODS`.
        size: Of everything; the budget is that of its updates without any hint.
        seed: Of the machines, the base model and the training.
    """
    base = base_model(size, seed)
    train_on, held_out = walks(size, seed)
    if arm == "mismatched hints":
        train_on = [mismatched(example) for example in train_on]
    model = base.copy()
    history = _train(model, base, train_on, METHODS[arm], size, seed)
    before = _solved(base.model, base, held_out, size, seed)
    after = _solved(model, base, held_out, size, seed)
    told = [replace(example, prompt=hinted_prompt(example)) for example in held_out]
    fifth = max(1, len(history) // 5)
    needed = [row.extra.get("share_hinted", float("nan")) for row in history]
    return Outcome(
        first=success(after),
        sixteenth=success(after, min(N_TRIES, size.n_tries)),
        hinted=success(_solved(model, base, told, size, seed)),
        needed=(_mean(needed[:fifth]), _mean(needed[-fifth:])),
        entropy=_mean([row.entropy for row in history[-fifth:]]),
        gains=gains(before, after),
        n_updates=len(history),
    )


def gains(before: Sequence[Solved], after: Sequence[Solved]) -> dict[str, float]:
    """Split the change of pass@1 by whether an example was solvable before.

    The parts add up to the change: what was solvable is turned from some tries into one
    (self-distillation), the rest is new (capability gain).

    Args:
        before: Of each example, all its tries.
        after: Of the same examples.

    Source: Nath et al. 2025.
    """
    parts = {"solvable": 0.0, "unsolvable": 0.0}
    for old, new in zip(before, after, strict=True):
        rates = [one.n_correct / len(one.completions) for one in (old, new)]
        parts["solvable" if old.n_correct else "unsolvable"] += rates[1] - rates[0]
    return {name: total / len(before) for name, total in parts.items()}


class _SpentError(Exception):
    """The budget of tokens is spent."""


def _train(
    model: Transformer,
    base: Base,
    examples: Sequence[Example],
    method: Method,
    size: Size,
    seed: int,
) -> list[UpdateRow]:
    """Train until the budget of generated tokens is spent; return the rows of the updates."""
    budget = size.n_updates * size.prompts * size.samples * TOKENS_OF_WALK
    history: list[UpdateRow] = []

    def count(row: UpdateRow) -> None:
        history.append(row)
        if sum(one.extra["n_generated_tokens"] for one in history) >= budget:
            raise _SpentError

    config = TrainingConfig(
        method=method,
        recipe=Recipe(std="group", reduction="token_mean"),
        # more than the budget allows: right responses are never shorter
        n_updates=2 * size.n_updates,
        prompts_per_update=size.prompts,
        samples_per_prompt=size.samples,
        max_new_tokens=MAX_TOKENS,
        learning_rate=size.learning_rate,
        seed=seed,
        patience=None,
    )
    with suppress(_SpentError):
        train(model, base.tokenizer, examples, {"right": right_path}, config, progress=count)
    return history


def _solved(
    model: Transformer, base: Base, examples: Sequence[Example], size: Size, seed: int
) -> list[Solved]:
    world = machines(seed)
    return answers_of(
        model,
        base,
        examples,
        world.verify,
        n_samples=size.n_tries,
        max_new_tokens=MAX_TOKENS,
        seed=seed,
    )


def _mean(values: Sequence[float]) -> float:
    measured = [value for value in values if not math.isnan(value)]
    return sum(measured) / len(measured) if measured else math.nan
