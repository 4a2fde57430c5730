"""Everything of TRL's trainer that is used and not promised to stay; the one file to repair.

The overridden methods and the keys of their output are in `versions`; they have kept their names
and meaning for a year. What is here has not.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pellucid.errors import CapabilityError
from pellucid.types_torch import TokenLabels, TokenValues

REQUIRED = (
    "_get_per_token_logps_and_entropies",
    "_metrics",
    "_logs",
    "accelerator",
    "num_generations",
    "num_generations_eval",
    "reward_func_names",
    "reward_weights",
    "processing_class",
    "aux_loss_enabled",
)
"""Attributes that a constructed trainer must have."""

_LOGGED = 4096  # values kept per metric between two logs


class Scored(NamedTuple):
    """What the policy thinks of given tokens.

    Args:
        log_probs: Shape (rows, tokens).
        entropies: Shape (rows, tokens), nats.
    """

    log_probs: TokenValues
    entropies: TokenValues


def check_internals(trainer: Any) -> None:
    """Check that a constructed trainer has what this file reads.

    Raises:
        CapabilityError: Something is missing.
    """
    missing = [name for name in REQUIRED if not hasattr(trainer, name)]
    if missing:
        raise CapabilityError(
            f"TRL's trainer has no {', '.join(missing)}",
            hint="use a release of trl that this adapter was tested with",
        )


def score(
    trainer: Any,
    model: Any,
    *,
    prompt_ids: TokenLabels,
    prompt_mask: TokenLabels,
    ids: TokenLabels,
    mask: TokenLabels,
    images: Mapping[str, Any] | None = None,
) -> Scored:
    """Return log-probabilities and entropies of completions under given prompts.

    Args:
        trainer: TRL's trainer; its temperature applies.
        model: As TRL handed it over, so that wrappers see the forward pass.
        prompt_ids: Shape (rows, prompt tokens), padded on the left.
        prompt_mask: 1 for prompt tokens.
        ids: Shape (rows, tokens), padded on the right.
        mask: 1 for completion tokens.
        images: Further model inputs of TRL's batch.
    """
    found = trainer._get_per_token_logps_and_entropies(
        model,
        torch.cat([prompt_ids, ids], dim=1),
        torch.cat([prompt_mask, mask], dim=1),
        ids.size(1),
        batch_size=trainer.args.per_device_train_batch_size,
        compute_entropy=True,
        **(images or {}),
    )
    return Scored(found[0], found[1])


def mode_of(trainer: Any) -> str:
    """Return `train` or `eval`, as TRL tells them apart."""
    return "train" if trainer.model.training else "eval"


def end_ids(trainer: Any) -> list[int]:
    """Return the tokens that end a completion: TRL's own list, and the tokenizer's."""
    known = {int(end) for end in getattr(trainer, "eos_token_ids", [])}
    return sorted(known | {int(trainer.processing_class.eos_token_id)})


def group_size(trainer: Any) -> int:
    """Return the number of completions per prompt in this mode."""
    train = mode_of(trainer) == "train"
    return int(trainer.num_generations if train else trainer.num_generations_eval)


@contextmanager
def groups_of(trainer: Any, size: int) -> Iterator[None]:
    """Let TRL sample another number of completions per prompt for a while."""
    before = trainer.num_generations, trainer.num_generations_eval
    trainer.num_generations = trainer.num_generations_eval = size
    try:
        yield
    finally:
        trainer.num_generations, trainer.num_generations_eval = before


@contextmanager
def unlogged(trainer: Any) -> Iterator[None]:
    """Keep what is sampled meanwhile out of TRL's own metrics and tables of completions."""
    metrics, logs = copy.deepcopy(trainer._metrics), copy.copy(trainer._logs)
    for name, value in logs.items():
        logs[name] = copy.deepcopy(value)
    try:
        yield
    finally:
        trainer._metrics, trainer._logs = metrics, logs


def loss_scale(trainer: Any) -> float:
    """Return what a share of the batch's loss is multiplied by before `backward`.

    TRL's batch of completions is cut into micro-batches whose gradients are added; wrappers average
    over processes. If a batch of completions serves several optimiser steps, each step's part is
    brought to the scale of a whole batch.
    """
    processes = float(trainer.accelerator.num_processes)
    if mode_of(trainer) == "eval":
        return processes
    windows = trainer.args.steps_per_generation / trainer.current_gradient_accumulation_steps
    return processes * float(windows)


def log_metric(trainer: Any, name: str, value: float) -> None:
    """Add a number to what TRL averages and logs."""
    values = trainer._metrics[mode_of(trainer)][name]
    if len(values) < _LOGGED:
        values.append(value)


def set_logged_advantages(trainer: Any, advantages: Tensor) -> None:
    """Put the advantages that are learned from into TRL's table, in place of its own.

    Args:
        trainer: TRL's trainer.
        advantages: Shape (rows,); of all processes, in their order.
    """
    table = trainer._logs["advantages"]
    for _ in range(min(len(table), len(advantages))):
        table.pop()
    table.extend(advantages.tolist())
