"""Which normalisation and which mean, on easy and on hard problems (Liu et al. 2025, Lite PPO).

The stand-in for pools of mathematics: walks through machines, of two to four steps. On easy ones
the base model is right four times in five, on hard ones once in ten. To the reward for a right
path comes noise of at most 0.02, as small as the terms for form or length that recipes add: where
all responses of a group are right, it is all that their rewards differ by.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods import Method, Plain
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.objectives.advantages import MeanScope, SpreadScope
from pellucid.posttrain.recording.rows import UpdateRow
from pellucid.posttrain.rewards.function import RewardFunction
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.machines import Machines, path_in, right_path
from pellucid.seeds import stream
from pellucid.systems.base_models import Base, Size, answers_of, success, warm_started

LENGTHS = (2, 3, 4)
"""Of walks, so that responses differ in length."""
MAX_TOKENS = 26
NOISE = 0.02
POOLS = ("easy", "hard")
SCOPES: dict[str, tuple[MeanScope, SpreadScope]] = {
    "group/group": ("group", "group"),
    "batch/batch": ("batch", "batch"),
    "group/none": ("group", "none"),
    "group/batch": ("group", "batch"),
}
"""Mean and deviation; in this order GRPO, REINFORCE++, Dr. GRPO and Lite PPO."""
REDUCTIONS = ("token", "sequence")


# --- the task ---


@lru_cache(maxsize=32)
def base_model(size: Size, seed: int) -> Base:
    """Return the base model of a seed; all arms share it."""
    world = machines(seed)
    texts = world.texts(size.n_texts, seed=seed)
    return warm_started(world.vocabulary, texts, size, seed=seed)


def machines(seed: int) -> Machines:
    """Return the machines of a seed."""
    return Machines(
        sure_trust=0.93, doubted_trust=0.46, habit_share=0.0, lengths=LENGTHS, seed=seed
    )


def walks(pool: str, size: Size, seed: int) -> tuple[list[Example], list[Example]]:
    """Return walks of a pool to train on, and others that are held out."""
    world, n = machines(seed), size.n_train + size.n_test
    n_each = math.ceil(n / len(LENGTHS))
    found = []
    for length in LENGTHS:
        of_length = Machines(
            world.n_sure,
            world.n_doubted,
            world.sure_trust,
            world.doubted_trust,
            world.habit_share,
            (length,),
            seed,
        )
        difficulty = 0 if pool == "easy" else length
        found += of_length.examples(n_each, seed=seed, difficulty=difficulty)
    order = stream(seed, "lite-ppo", "order").permutation(len(found))
    mixed = [found[int(place)] for place in order]
    return mixed[: size.n_train], mixed[size.n_train : n]


class NoisyReward:
    """One for a right path and zero for another, plus noise of its own for each response.

    Args:
        size: The noise is even between minus and plus this.
        seed: Of the noise; calls draw one after another.
    """

    def __init__(self, size: float, seed: int) -> None:
        self._size = size
        self._rng = stream(seed, "lite-ppo", "noise")

    def __call__(
        self, completions: Sequence[Any], answer: Sequence[str], **columns: Any
    ) -> list[float | None]:
        """Return the rewards."""
        noise = self._rng.uniform(-self._size, self._size, len(completions))
        gold = zip(completions, answer, noise, strict=True)
        return [float(path_in(text) == path) + float(n) for text, path, n in gold]


# --- learning ---


@dataclass(frozen=True)
class Outcome:
    """What became of one run.

    Args:
        accuracy: Share of right responses to held-out walks of the pool, at the end.
        area: Mean share of right responses while training.
        unsteadiness: Coefficient of variation of the gradient's norm over the updates.
        entropy: Of the policy, mean over the last fifth of the updates, nats per token.
    """

    accuracy: float
    area: float
    unsteadiness: float
    entropy: float


def recipe_of(scopes: str, reduction: str) -> Recipe:
    """Return the recipe of an arm, all else as in Lite PPO."""
    mean, std = SCOPES[scopes]
    return Recipe(
        mean=mean, std=std, reduction="token_mean" if reduction == "token" else "sequence_mean"
    )


@lru_cache(maxsize=512)
def learned(pool: str, scopes: str, reduction: str, noise: float, size: Size, seed: int) -> Outcome:
    """Train the base model on a pool by one recipe.

    Args:
        pool: One of `POOLS`.
        scopes: One of `SCOPES`.
        reduction: One of `REDUCTIONS`.
        noise: Largest noise of the reward.
        size: Of everything.
        seed: Of the machines, the base model and the training.
    """
    base = base_model(size, seed)
    train_on, held_out = walks(pool, size, seed)
    model = base.copy()
    config = TrainingConfig(
        method=_METHOD,
        recipe=recipe_of(scopes, reduction),
        reward_weights={"reward": 1.0, "right": 0.0},
        gold="right",
        n_updates=size.n_updates,
        prompts_per_update=size.prompts,
        samples_per_prompt=size.samples,
        max_new_tokens=MAX_TOKENS,
        learning_rate=size.learning_rate,
        seed=seed,
        patience=None,
    )
    rewards: dict[str, RewardFunction] = {
        "reward": NoisyReward(noise, seed),
        "right": right_path,
    }
    history = train(model, base.tokenizer, train_on, rewards, config).history
    solved = answers_of(
        model,
        base,
        held_out,
        machines(seed).verify,
        n_samples=size.n_tries,
        max_new_tokens=MAX_TOKENS,
        seed=seed,
    )
    return _outcome(success(solved), history)


_METHOD: Method = Plain()


def _outcome(accuracy: float, history: Sequence[UpdateRow]) -> Outcome:
    norms = np.array([row.grad_norm for row in history])
    last = history[-max(1, len(history) // 5) :]
    return Outcome(
        accuracy=accuracy,
        area=float(np.mean([row.gold_success for row in history])),
        unsteadiness=float(norms.std() / norms.mean()) if norms.mean() > 0 else 0.0,
        entropy=float(np.mean([row.entropy for row in last])),
    )
