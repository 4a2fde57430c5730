"""How often held-out examples are solved, before, during and after training."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.errors import InputError
from pellucid.posttrain.native.kept_rows import prompt_id
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.solving import evaluate
from pellucid.posttrain.recording.rows import EvaluationRow, When
from pellucid.posttrain.tasks.example import Example


@dataclass(frozen=True)
class Evaluation:
    """Held-out examples and how they are judged.

    Args:
        examples: Never trained on.
        verify: `verify(completion, example)`: whether it solves the example, None if that cannot be
            told; `Task.verify` is one.
        n_samples: Completions of each.
        every: Updates between evaluations during training; None for none.
        temperature: Of sampling; 0 takes the likeliest token.
        max_new_tokens: Longest completion; that of training if None.
        batch_size: Completions sampled at once.

    Raises:
        InputError: There is no example, or a number is below 1.
    """

    examples: Sequence[Example]
    verify: Callable[[Any, Any], bool | None]
    n_samples: int = 1
    every: int | None = None
    temperature: float = 1.0
    max_new_tokens: int | None = None
    batch_size: int = 256

    def __post_init__(self) -> None:
        if not self.examples:
            raise InputError("an evaluation needs at least one example, got none")
        for name in ("n_samples", "every", "max_new_tokens", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")

    def is_due(self, update: int) -> bool:
        """Whether to evaluate after an update."""
        return self.every is not None and update % self.every == 0


def evaluation_rows(
    evaluation: Evaluation, session: Session, *, when: When, step: int
) -> list[EvaluationRow]:
    """Return one row per example; every evaluation of a run draws from the same random stream.

    Args:
        evaluation: What to do.
        session: Of the run.
        when: Before, during or after training.
        step: Updates made.
    """
    solved = evaluate(
        session.model,
        session.tokenizer,
        evaluation.examples,
        evaluation.verify,
        n_samples=evaluation.n_samples,
        max_new_tokens=evaluation.max_new_tokens or session.sampling.max_new_tokens,
        seed=session.seed,
        temperature=evaluation.temperature,
        batch_size=evaluation.batch_size,
    )
    return [
        EvaluationRow(
            when=when,
            step=step,
            example_id=prompt_id(example),
            n=len(found.completions),
            n_correct=found.n_correct,
            prompt=example.prompt,
            gold=example.answer,
            n_unscored=len(found.completions) - found.n_scored,
            completions=found.completions,
        )
        for example, found in zip(evaluation.examples, solved, strict=True)
    ]


def success_rate(rows: Sequence[EvaluationRow]) -> float:
    """Return the share of right completions among those that could be judged; NaN for none."""
    n = sum(row.n - row.n_unscored for row in rows)
    return sum(row.n_correct for row in rows) / n if n else math.nan
