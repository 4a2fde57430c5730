"""How often held-out examples are solved, before, during and after training."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.kept_rows import prompt_id
from pellucid.posttrain.native.sampling import sample
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.recording.rows import EvaluationRow, When
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import derived_seed


@dataclass(frozen=True)
class Evaluation:
    """Held-out examples and how they are judged.

    Args:
        examples: Never trained on.
        verify: Whether a completion solves an example; `Task.verify` is one. None: not to be told.
        n_samples: Completions of each.
        every: Updates between evaluations during training; None for none.
        temperature: Of sampling; 0 takes the likeliest token.
        max_new_tokens: Longest completion; that of training if None.
        rows_at_once: Completions sampled at once.

    Raises:
        InputError: There is no example, or a number is below 1.
    """

    examples: Sequence[Example]
    verify: Callable[[str, Example], bool | None]
    n_samples: int = 1
    every: int | None = None
    temperature: float = 1.0
    max_new_tokens: int | None = None
    rows_at_once: int = 256

    def __post_init__(self) -> None:
        if not self.examples:
            raise InputError("an evaluation needs at least one example, got none")
        for name in ("n_samples", "every", "max_new_tokens", "rows_at_once"):
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
    texts = _completions(evaluation, session)
    rows = []
    for position, example in enumerate(evaluation.examples):
        own = texts[position * evaluation.n_samples : (position + 1) * evaluation.n_samples]
        verdicts = [evaluation.verify(text, example) for text in own]
        rows.append(
            EvaluationRow(
                when=when,
                step=step,
                example_id=prompt_id(example),
                n=len(own),
                n_correct=sum(verdict is True for verdict in verdicts),
                prompt=example.prompt,
                gold=example.answer,
                n_unscored=sum(verdict is None for verdict in verdicts),
                completions=tuple(own),
            )
        )
    return rows


def _completions(evaluation: Evaluation, session: Session) -> list[str]:
    tokenizer = session.tokenizer
    encoded = [
        ids
        for ids in (tokenizer.encode(example.prompt) for example in evaluation.examples)
        for _ in range(evaluation.n_samples)
    ]
    texts: list[str] = []
    for start in range(0, len(encoded), evaluation.rows_at_once):
        seed = derived_seed(session.seed, "evaluation", start)
        samples = sample(
            session.model,
            encoded[start : start + evaluation.rows_at_once],
            max_new_tokens=evaluation.max_new_tokens or session.sampling.max_new_tokens,
            temperature=evaluation.temperature,
            eos_id=tokenizer.eos_id,
            pad_id=tokenizer.pad_id,
            generator=torch.Generator().manual_seed(seed),
        )
        texts += [
            tokenizer.decode([token for token in ids if token != tokenizer.eos_id])
            for ids in samples.completions()
        ]
    return texts


def success_rate(rows: Sequence[EvaluationRow]) -> float:
    """Return the share of right completions among those that could be judged; NaN for none."""
    n = sum(row.n - row.n_unscored for row in rows)
    return sum(row.n_correct for row in rows) / n if n else math.nan
