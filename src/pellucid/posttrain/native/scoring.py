"""Log-probabilities of given completions, under the prompt they were drawn under or another one.

Scoring under another prompt is the context switch: what was sampled with a hint is scored, and
trained, without it. The ids of the completion are taken as they are, never decoded and encoded
again.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.native.models import LanguageModel
from pellucid.types_torch import TokenLabels, TokenMask, TokenValues


class Scored(NamedTuple):
    """What a model says about given tokens.

    Args:
        log_probs: Shape (rows, tokens); in nats, with gradient; 0 outside the mask.
        entropies: Of the distribution at each token, in nats; 0 outside the mask.
    """

    log_probs: TokenValues
    entropies: TokenValues


def token_log_probs(
    model: LanguageModel,
    prompt_ids: TokenLabels,
    prompt_mask: TokenMask,
    ids: TokenLabels,
    mask: TokenMask,
    *,
    temperature: float = 1.0,
    entropy_gradient: bool = False,
) -> Scored:
    """Return the log-probability of each token of completions, given prompt and tokens before it.

    Args:
        model: What scores.
        prompt_ids: Shape (rows, prompt); left-padded.
        prompt_mask: Their real tokens.
        ids: Shape (rows, tokens); right-padded.
        mask: Their real tokens.
        temperature: Logits are divided by it; that of sampling.
        entropy_gradient: Whether gradients flow through the entropies; without, they cost less.

    Raises:
        InputError: The temperature is not positive, or shapes disagree.
    """
    _check(prompt_ids, prompt_mask, ids, mask, temperature)
    logits = model.predict(prompt_ids, prompt_mask, ids, mask).logits
    return scored(logits, ids, mask, temperature=temperature, entropy_gradient=entropy_gradient)


def scored(
    logits: Tensor,
    ids: TokenLabels,
    mask: TokenMask,
    *,
    temperature: float = 1.0,
    entropy_gradient: bool = False,
) -> Scored:
    """Return log-probabilities and entropies from the logits at each token.

    Args:
        logits: Shape (rows, tokens, vocabulary).
        ids: Shape (rows, tokens).
        mask: The real tokens.
        temperature: Logits are divided by it.
        entropy_gradient: Whether gradients flow through the entropies.
    """
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    log_probs = torch.log_softmax(wide if temperature == 1 else wide / temperature, dim=-1)
    chosen = log_probs.gather(-1, ids[..., None])[..., 0]
    with torch.set_grad_enabled(entropy_gradient and torch.is_grad_enabled()):
        source = log_probs if entropy_gradient else log_probs.detach()
        # xlogy-like: a token of probability 0 adds nothing
        products = source.exp() * source
        entropies = -torch.where(torch.isneginf(source), 0.0, products).sum(-1)
    zero = chosen.new_zeros(())
    return Scored(torch.where(mask, chosen, zero), torch.where(mask, entropies, zero))


def _check(
    prompt_ids: Tensor, prompt_mask: Tensor, ids: Tensor, mask: Tensor, temperature: float
) -> None:
    if not temperature > 0:
        raise InputError(f"the temperature must be positive to score, got {temperature}")
    for name, tensor, other in (("prompt_mask", prompt_mask, prompt_ids), ("mask", mask, ids)):
        if tensor.shape != other.shape:
            raise InputError(
                f"{name} must have shape {tuple(other.shape)}, got {tuple(tensor.shape)}"
            )
    if len(ids) != len(prompt_ids):
        raise InputError(
            f"{len(ids)} completions need as many prompts, one per row, got {len(prompt_ids)}"
        )
