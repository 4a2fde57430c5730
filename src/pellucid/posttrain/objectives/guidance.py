"""Learning without a hint from responses that were sampled with one."""

import torch

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached, masked
from pellucid.posttrain.objectives.reducers import LOCAL, Reducer
from pellucid.posttrain.objectives.token_losses import clipped_losses, likelihood_ratios
from pellucid.types_torch import RowMask, Scalar, TokenMask, TokenValues


def shaping_constant(
    ratios: TokenValues,
    mask: TokenMask,
    guided: RowMask,
    *,
    quantile: float = 0.9,
    reducer: Reducer = LOCAL,
) -> Scalar:
    """Return γ: a quantile of the guided tokens' ratios, at least 1e-4, without gradient.

    Taken once over the optimiser's batch and all processes. The published code takes it per
    micro-batch and over padding too, which biases it towards 1.

    Args:
        ratios: Shape (rows, tokens); ρ, as `likelihood_ratios` returns them.
        mask: The tokens that count.
        guided: Shape (rows,); True for responses sampled under a hint.
        quantile: Which quantile; 0.9 as published.
        reducer: Brings the ratios of all processes together.

    Returns:
        A scalar; 1 if there is no guided token.

    Raises:
        InputError: If the quantile lies outside 0..1.

    Source: Nath et al. 2025 (Guide), official configuration.
    """
    if not 0 <= quantile <= 1:
        raise InputError(f"the quantile must lie in 0..1, got {quantile}")
    chosen = reducer.gather(ratios.detach().double()[mask & guided[:, None]])
    if not len(chosen):
        return chosen.new_ones(())
    # by hand: torch.quantile refuses more than 2^24 numbers
    ordered = chosen.sort().values
    place = quantile * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return torch.lerp(ordered[below], ordered[above], place - below).clamp(min=1e-4)


def guided_losses(
    log_probs: TokenValues,
    behaviour_log_probs: TokenValues,
    advantages: TokenValues,
    mask: TokenMask,
    guided: RowMask,
    shaping: Scalar,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Recorded:
    """Return the clipped loss for plain responses, and -A ρ / (ρ + γ) for guided ones.

    ρ = π(token | plain prompt) / π_old(token | prompt it was sampled under). The gradient's weight
    on A ∇log π is γ ρ / (ρ + γ)²: largest at ρ = γ, fading on both sides, never cut off.

    Args:
        log_probs: Of the current policy under the plain prompt.
        behaviour_log_probs: Of the policy that made the data, under the prompt with the hint for
            guided responses.
        advantages: A, of each response within its own group.
        mask: The tokens that count.
        guided: Shape (rows,); True for responses sampled under a hint.
        shaping: γ > 0, from `shaping_constant` over the whole batch.
        clip_low: Bound of the clipped loss below 1.
        clip_high: Bound of the clipped loss above 1.

    Returns:
        Shape (rows, tokens); the ledger holds `ratios`, `clipped`, `gradient_weights` (what
        multiplies A ∇log π) and `effective_samples`, (Σρ)² / Σρ² of the guided tokens.

    Raises:
        InputError: If γ is not positive.

    Source: Nath et al. 2025 (Guide), official loss; the gradient weight is derived here.
    """
    if not float(shaping) > 0:
        raise InputError(f"the shaping constant must be positive, got {float(shaping)}")
    plain, ledger = clipped_losses(
        log_probs, behaviour_log_probs, advantages, mask, clip_low=clip_low, clip_high=clip_high
    )
    ratios = likelihood_ratios(log_probs, behaviour_log_probs, mask)
    gamma = shaping.detach().to(ratios.dtype)
    credit = masked(advantages.detach().to(ratios.dtype), mask)
    shaped = -credit * ratios / (ratios + gamma)
    losses = torch.where(guided[:, None], shaped, plain)
    clipped = ledger["clipped"] & ~guided[:, None]
    on_guided = gamma * ratios / (ratios + gamma).square()
    on_plain = masked(ratios, ~clipped)
    used = masked(ratios, mask & guided[:, None]).detach().double()
    effective = used.sum().square() / used.square().sum().clamp(min=1e-300)
    return Recorded(
        losses,
        detached(
            ratios=ratios,
            clipped=clipped,
            gradient_weights=masked(torch.where(guided[:, None], on_guided, on_plain), mask),
            effective_samples=effective,
        ),
    )
