"""How spread out the policy's next-token distributions are, from the full vocabulary."""

import torch
from jaxtyping import Float
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached, masked, widened
from pellucid.types_torch import TokenMask, TokenValues


def token_entropies(
    logits: Float[Tensor, "rows tokens vocabulary"], *, temperature: float = 1.0
) -> TokenValues:
    """Return H = -Σ_a π(a) log π(a) in nats, of π = softmax(logits / temperature).

    Args:
        logits: Shape (rows, tokens, vocabulary); -inf forbids a token.
        temperature: That of training and sampling: entropies of different temperatures must not
            be mixed.

    Raises:
        InputError: If the temperature is not positive.
    """
    log_probs = _log_probs(logits, temperature)
    # 0 · log 0 is 0, in value and gradient
    finite = log_probs.masked_fill(torch.isneginf(log_probs), 0.0)
    return -(log_probs.exp() * finite).sum(-1)


def squared_score_norms(
    logits: Float[Tensor, "rows tokens vocabulary"], *, temperature: float = 1.0
) -> TokenValues:
    """Return E_a ‖∇_z log π(a)‖² = 1 - Σ_a π(a)² = 1 - exp(-H₂), z the scaled logits.

    The expected squared length of the policy gradient's score with respect to the logits: near 0
    where the policy is confident.

    Source: Wang et al. 2025, Proposition 1 (H₂ is the Rényi-2 entropy).
    """
    return 1 - _log_probs(logits, temperature).exp().square().sum(-1)


def entropy_losses(entropies: TokenValues, mask: TokenMask) -> Recorded:
    """Return -H per token: times a coefficient and added to the loss, it is an entropy bonus.

    Args:
        entropies: Shape (rows, tokens); of the *current* policy, with gradient.
        mask: The tokens that count.
    """
    kept = masked(entropies, mask)
    return Recorded(-kept, detached(entropies=kept))


def _log_probs(
    logits: Float[Tensor, "rows tokens vocabulary"], temperature: float
) -> Float[Tensor, "rows tokens vocabulary"]:
    if not temperature > 0:
        raise InputError(f"the temperature must be positive, got {temperature}")
    return torch.log_softmax(widened(logits) / temperature, dim=-1)
