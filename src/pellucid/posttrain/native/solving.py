"""How often a model solves an example, and how likely k tries contain a solution."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.sampling import sample
from pellucid.posttrain.native.tokenizing import Tokenizer
from pellucid.seeds import derived_seed


class Posed(Protocol):
    """What is asked; an `Example` is one."""

    @property
    def prompt(self) -> str:
        """The text that the model continues."""


PosedT = TypeVar("PosedT", bound=Posed)


@dataclass(frozen=True)
class Solved:
    """What became of one example.

    Args:
        completions: Text of each sample.
        correct: Whether each is right; None for one that could not be judged.
        finished: False for completions that were cut.
    """

    completions: tuple[str, ...]
    correct: tuple[bool | None, ...]
    finished: tuple[bool, ...]

    @property
    def n_correct(self) -> int:
        """Samples that are right."""
        return sum(verdict is True for verdict in self.correct)

    @property
    def n_scored(self) -> int:
        """Samples that could be judged."""
        return sum(verdict is not None for verdict in self.correct)


def pass_at_k(n_correct: int, n_samples: int, k: int) -> float:
    """Return the unbiased estimate of the probability that at least one of k samples is right.

    1 - C(n - c, k) / C(n, k): the share of the subsets of size k that hold one of the c right ones.

    Args:
        n_correct: c, right ones among the samples.
        n_samples: n, all samples.
        k: Tries.

    Raises:
        InputError: Not 0 <= n_correct <= n_samples, or not 1 <= k <= n_samples.

    Source: Chen et al. 2021, eq. (1).

    Example:
        >>> pass_at_k(1, 4, 2)
        0.5
    """
    if not 0 <= n_correct <= n_samples:
        raise InputError(f"n_correct must be from 0 to {n_samples}, got {n_correct}")
    if not 1 <= k <= n_samples:
        raise InputError(
            f"pass@{k} of {n_samples} samples is not defined", hint="draw at least k samples"
        )
    return 1.0 - math.comb(n_samples - n_correct, k) / math.comb(n_samples, k)


def evaluate(
    model: LanguageModel,
    tokenizer: Tokenizer,
    examples: Sequence[PosedT],
    verify: Callable[[str, PosedT], bool | None],
    *,
    n_samples: int,
    max_new_tokens: int,
    seed: int,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    batch_size: int = 256,
) -> list[Solved]:
    """Draw completions for each example and judge them.

    The same seed, examples and batch size draw from the same random numbers, so that two models,
    or one before and after training, are compared in pairs.

    Args:
        model: What is asked.
        tokenizer: Of the model.
        examples: What is asked about; each has a `prompt`.
        verify: Called with a completion's text and its example; None where it cannot be judged.
        n_samples: Completions per example.
        max_new_tokens: Longest completion.
        seed: Of the run.
        temperature: Logits are divided by it; 0 takes the most likely token.
        top_k: Only the k most likely tokens; 0 for all.
        top_p: Only the most likely tokens that together have this probability.
        batch_size: Rows that are decoded together, at least those of one example.

    Returns:
        One per example, in order.

    Raises:
        InputError: `n_samples` is below 1, or a prompt is too long.
    """
    if n_samples < 1:
        raise InputError(f"n_samples must be at least 1, got {n_samples}")
    per_batch = max(1, batch_size // n_samples)
    solved: list[Solved] = []
    for start in range(0, len(examples), per_batch):
        chosen = examples[start : start + per_batch]
        prompts = [tokenizer.encode(example.prompt) for example in chosen]
        samples = sample(
            model,
            [ids for ids in prompts for _ in range(n_samples)],
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            eos_id=tokenizer.eos_id,
            pad_id=tokenizer.pad_id,
            generator=torch.Generator().manual_seed(derived_seed(seed, "evaluation", start)),
        )
        texts = [tokenizer.decode(ids) for ids in samples.completions()]
        for i, example in enumerate(chosen):
            rows = slice(i * n_samples, (i + 1) * n_samples)
            solved.append(
                Solved(
                    completions=tuple(texts[rows]),
                    correct=tuple(verify(text, example) for text in texts[rows]),
                    finished=tuple(samples.finished[rows].tolist()),
                )
            )
    return solved
