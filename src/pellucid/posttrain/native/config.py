"""The settings of a training run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pellucid.errors import InputError
from pellucid.posttrain.native.methods.method import Method
from pellucid.posttrain.native.methods.plain import Plain
from pellucid.posttrain.native.session import Sampling
from pellucid.posttrain.objectives import LITE_PPO, Recipe


@dataclass(frozen=True)
class TrainingConfig:
    """How a policy is trained.

    Defaults are those of Lite PPO (Liu et al. 2025) where it has one, and ours for small models
    elsewhere: learning rate, lengths and numbers of responses.

    Args:
        method: Which texts are sampled and what is learned of them.
        recipe: Advantage, loss and reduction.
        reward_weights: Weight of each reward component; 1 each if None. A component of weight 0
            is measured only.
        gold: The component that says whether an answer is right (above 0 is right).
        missing: What a component without a score does; see `objectives.combined_rewards`.
        tolerated_failures: Largest share of a batch on which a reward function may raise.
        n_updates: Updates in all; a run can be taken up again with more.
        prompts_per_update: Prompts of each update, on each process.
        samples_per_prompt: Responses to each.
        max_new_tokens: Longest response, or turn in an environment.
        temperature: Of sampling and of everything computed of the policy.
        top_k: Only the k likeliest tokens; 0 for all.
        top_p: Only the likeliest tokens that hold this probability; 1 for all.
        mask_cut: Leave responses that were cut off out of the loss.
        passes: Optimiser steps on each batch.
        learning_rate: Of AdamW.
        warmup_updates: Updates over which it grows from 0, in a straight line.
        weight_decay: Of AdamW.
        adam_betas: Of AdamW.
        max_grad_norm: The gradient is clipped to this length.
        rows_per_micro_batch: Responses computed at once; None for all.
        seed: Of everything.
        checkpoint_every: Updates between checkpoints.
        patience: Updates in a row without any gradient, or any change, that stop the run; None
            for a method that may wait long for its first success.
        max_failed_updates: Updates in a row without any score, or with a loss or gradient that is
            not finite, that stop the run.

    Raises:
        InputError: A number is out of its range.
    """

    method: Method = field(default_factory=Plain)
    recipe: Recipe = LITE_PPO
    reward_weights: Mapping[str, float] | None = None
    gold: str | None = None
    missing: Literal["unscorable", "skip"] = "unscorable"
    tolerated_failures: float = 0.1
    n_updates: int = 100
    prompts_per_update: int = 16
    samples_per_prompt: int = 8
    max_new_tokens: int = 64
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    mask_cut: bool = False
    passes: int = 1
    learning_rate: float = 1e-3
    warmup_updates: int = 0
    weight_decay: float = 0.0
    adam_betas: tuple[float, float] = (0.9, 0.999)
    max_grad_norm: float = 1.0
    rows_per_micro_batch: int | None = None
    seed: int = 0
    checkpoint_every: int = 50
    patience: int | None = 50
    max_failed_updates: int = 3

    def __post_init__(self) -> None:
        for name in ("prompts_per_update", "passes", "checkpoint_every", "max_failed_updates"):
            _at_least(name, getattr(self, name), 1)
        for name in ("n_updates", "warmup_updates", "seed"):
            _at_least(name, getattr(self, name), 0)
        for name in ("patience", "rows_per_micro_batch"):
            if getattr(self, name) is not None:
                _at_least(name, getattr(self, name), 1)
        for name in ("learning_rate", "max_grad_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")
        if self.weight_decay < 0:
            raise InputError(f"weight_decay must not be negative, got {self.weight_decay}")
        if not all(0 <= beta < 1 for beta in self.adam_betas):
            raise InputError(f"adam_betas must lie in 0..1, got {self.adam_betas}")
        _ = self.sampling  # checks its own numbers

    @property
    def sampling(self) -> Sampling:
        """How responses are drawn."""
        return Sampling(
            self.samples_per_prompt, self.max_new_tokens, self.temperature, self.top_k, self.top_p
        )

    def learning_rate_at(self, update: int) -> float:
        """Return the learning rate of an update, from 1."""
        return self.learning_rate * min(1.0, update / max(1, self.warmup_updates))

    @property
    def needs_reference(self) -> bool:
        """Whether training compares with the model that it started from."""
        return bool(self.recipe.kl) or self.method.needs_reference


def _at_least(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")
