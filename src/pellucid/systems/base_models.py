"""Base models of the language-model systems: small, and right as often as their texts are.

The published systems start from models of billions of weights. Here a model of some fifty thousand
is trained on texts whose errors are chosen, so that it can do what the published ones could, and
fails where those failed.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.posttrain.native import (
    Solved,
    Transformer,
    TransformerConfig,
    WordTokenizer,
    evaluate,
    fine_tune,
    pass_at_k,
)
from pellucid.posttrain.native.initial_weights import fan_in_weights
from pellucid.posttrain.tasks.example import Example


@dataclass(frozen=True)
class Size:
    """How large an experiment is.

    Args:
        warm_steps: Steps of supervised training on the texts.
        n_updates: Updates of reinforcement learning.
        prompts: Prompts per update.
        samples: Responses to each.
        n_train: Examples to train on.
        n_test: Held-out examples.
        n_tries: Completions of each held-out example.
        n_layers: Of the model.
        width: Of the model.
        n_texts: Texts of the base model.
        batch_size: Texts per step.
        warm_rate: Learning rate of the supervised training.
        learning_rate: Of the updates.
    """

    warm_steps: int = 800
    n_updates: int = 60
    prompts: int = 16
    samples: int = 8
    n_train: int = 120
    n_test: int = 40
    n_tries: int = 16
    n_layers: int = 1
    width: int = 64
    n_texts: int = 20_000
    batch_size: int = 32
    warm_rate: float = 6e-3
    learning_rate: float = 5e-4


SMOKE = Size(
    warm_steps=2,
    n_updates=1,
    prompts=2,
    samples=2,
    n_train=2,
    n_test=2,
    n_tries=4,
    width=16,
    n_texts=8,
    batch_size=4,
)
"""The code path, in a fraction of a second."""


@dataclass(frozen=True)
class Base:
    """A base model with its tokenizer; take a `copy` to train it.

    Args:
        model: The model.
        tokenizer: One token per word of the task.
    """

    model: Transformer
    tokenizer: WordTokenizer

    def copy(self) -> Transformer:
        """Return a model of equal weights."""
        return copy.deepcopy(self.model)


def warm_started(
    words: Sequence[str], texts: Sequence[tuple[str, str]], size: Size, *, seed: int
) -> Base:
    """Return a model that was trained on pairs of prompt and completion.

    Args:
        words: All words of the task.
        texts: What it learns.
        size: Of the model and of its training.
        seed: Of the weights and of the order of the texts.
    """
    tokenizer = WordTokenizer(words)
    longest = max(len(prompt.split()) + len(text.split()) for prompt, text in texts)
    config = TransformerConfig(
        vocab_size=tokenizer.vocab_size,
        n_layers=size.n_layers,
        width=size.width,
        n_heads=4,
        context_length=2 * longest + 16,
        # prompts are short: long wavelengths would leave most of a head's width without use
        rotary_base=100.0,
        tied=False,
    )
    model = Transformer(config, seed=seed)
    fan_in_weights(model, seed=seed)
    fine_tune(
        model,
        tokenizer,
        texts,
        n_steps=size.warm_steps,
        batch_size=size.batch_size,
        learning_rate=size.warm_rate,
        seed=seed,
    )
    return Base(model, tokenizer)


def answers_of(
    model: Transformer,
    base: Base,
    examples: Sequence[Example],
    verify: Callable[[Any, Any], bool | None],
    *,
    n_samples: int,
    max_new_tokens: int,
    seed: int,
) -> list[Solved]:
    """Return what a model writes on examples, and whether it is right.

    Args:
        model: A base model, or a copy that was trained.
        base: Whose tokenizer is used.
        examples: What is asked.
        verify: Called with a completion and its example.
        n_samples: Completions of each.
        max_new_tokens: Longest completion.
        seed: Of the draws.
    """
    return evaluate(
        model,
        base.tokenizer,
        examples,
        verify,
        n_samples=n_samples,
        max_new_tokens=max_new_tokens,
        seed=seed,
    )


def success(solved: Sequence[Solved], k: int = 1) -> float:
    """Return pass@k, averaged over examples.

    Args:
        solved: What became of each example.
        k: Tries.
    """
    rates = [pass_at_k(one.n_correct, len(one.completions), k) for one in solved]
    return sum(rates) / len(rates)
