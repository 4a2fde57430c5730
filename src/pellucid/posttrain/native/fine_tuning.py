"""Supervised fine-tuning on pairs of prompt and completion: the warm start of a base model."""

import math
from collections.abc import Sequence

import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.sampling import pad_left, pad_right
from pellucid.posttrain.native.scoring import token_log_probs
from pellucid.posttrain.native.tokenizing import Tokenizer
from pellucid.seeds import stream

WARM_UP_SHARE = 0.1
"""Share of the steps over which the learning rate rises to its value."""


def fine_tune(
    model: LanguageModel,
    tokenizer: Tokenizer,
    pairs: Sequence[tuple[str, str]],
    *,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    weight_decay: float = 0.0,
    max_grad_norm: float = 1.0,
) -> list[float]:
    """Train a model in place to continue each prompt with its completion and then to end.

    The loss is the mean negative log-likelihood, in nats, of the tokens of the batch's completions
    with the ending token; prompts carry none. AdamW; the rate rises over the first tenth of the
    steps, then falls along a cosine to a tenth of its value. Batches go through all pairs in a new
    random order each time.

    Args:
        model: What is trained.
        tokenizer: Of the model.
        pairs: Prompt and completion, as text.
        n_steps: Number of updates; 0 leaves the model as it is.
        batch_size: Pairs per update.
        learning_rate: Highest rate.
        seed: Of the order of the pairs.
        weight_decay: As in AdamW, on matrices only.
        max_grad_norm: Gradients longer than this are shortened to it.

    Returns:
        The loss of each step, before its update.

    Raises:
        InputError: There is no pair, a size is below 1, a prompt is empty, a pair does not fit the
            context, or a loss is not finite.
    """
    if not pairs:
        raise InputError("fine-tuning needs at least one pair, got none")
    if n_steps < 0 or batch_size < 1:
        raise InputError(
            f"n_steps must be at least 0 and batch_size at least 1, got {n_steps} and {batch_size}"
        )
    encoded = _encoded(model, tokenizer, pairs)
    optimiser = _optimiser(model, learning_rate, weight_decay)
    order = _order(len(pairs), n_steps * batch_size, seed)
    losses = []
    for step in range(n_steps):
        chosen = [encoded[i] for i in order[step * batch_size : (step + 1) * batch_size]]
        prompts, completions = zip(*chosen, strict=True)
        ids, mask = pad_right(completions, pad_id=tokenizer.pad_id, device=model.device)
        log_probs, _ = token_log_probs(
            model,
            *pad_left(prompts, pad_id=tokenizer.pad_id, device=model.device),
            ids,
            mask,
        )
        loss = -log_probs.sum() / mask.sum()
        if not math.isfinite(loss.item()):
            raise InputError(
                f"the loss of step {step} is {loss.item()}", hint="lower the learning rate"
            )
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * scheduled(step, n_steps)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
        optimiser.step()
        losses.append(loss.item())
    optimiser.zero_grad(set_to_none=True)
    return losses


def scheduled(step: int, n_steps: int) -> float:
    """Return the learning rate of a step as a share of the highest one."""
    warm_up = max(1, round(WARM_UP_SHARE * n_steps))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, n_steps - warm_up)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * done))


def _encoded(
    model: LanguageModel, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]
) -> list[tuple[list[int], list[int]]]:
    encoded = []
    for number, (prompt, completion) in enumerate(pairs):
        ids = tokenizer.encode(prompt), [*tokenizer.encode(completion), tokenizer.eos_id]
        length = len(ids[0]) + len(ids[1])
        if not ids[0]:
            raise InputError(f"the prompt of pair {number} has no tokens")
        if model.context_length is not None and length > model.context_length:
            raise InputError(
                f"pair {number} has {length} tokens and the context has {model.context_length}",
                hint="leave it out, or use a model with a longer context",
            )
        encoded.append(ids)
    return encoded


def _order(n_pairs: int, n_drawn: int, seed: int) -> list[int]:
    rng = stream(seed, "fine-tuning")
    order: list[int] = []
    while len(order) < n_drawn:
        order += rng.permutation(n_pairs).tolist()
    return order


def _optimiser(
    model: LanguageModel, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [w for w in weights if w.dim() > 1], "weight_decay": weight_decay},
        {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=learning_rate, fused=True
    )
