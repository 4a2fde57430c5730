"""Policy-gradient losses, token by token.

They are minimised: a positive advantage makes its tokens more likely. All take log-probabilities
of the current policy (with gradient), those of the policy that made the data, advantages
(rows, tokens) and the mask, and return (rows, tokens), 0 outside the mask.
"""

import torch

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached, masked, widened
from pellucid.types_torch import TokenMask, TokenValues

LOG_RATIO_LIMIT = 20.0
"""Log-ratios are cut to ±20: exp overflows float32 at 88, and its square long before."""


def likelihood_ratios(
    log_probs: TokenValues, old_log_probs: TokenValues, mask: TokenMask
) -> TokenValues:
    """Return ρ_t = π(token) / π_old(token) in float32 or wider; 1 outside the mask."""
    difference = widened(log_probs) - widened(old_log_probs.detach())
    return masked(difference, mask).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT).exp()


def clipped_losses(
    log_probs: TokenValues,
    old_log_probs: TokenValues,
    advantages: TokenValues,
    mask: TokenMask,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Recorded:
    """Return ℓ_t = -min(ρ_t A_t, clip(ρ_t, 1 - low, 1 + high) A_t), the clipped surrogate of PPO.

    Args:
        log_probs: Of the current policy.
        old_log_probs: Of the policy that made the data.
        advantages: A, in any unit.
        mask: The tokens that count.
        clip_low: How far ρ may fall below 1 before a negative advantage stops pushing.
        clip_high: How far ρ may rise above 1 before a positive advantage stops pushing; larger
            than `clip_low` is DAPO's clip-higher.

    Returns:
        Shape (rows, tokens); the ledger holds `ratios` and `clipped`, True where the gradient
        is cut.

    Raises:
        InputError: If a bound is negative, or `clip_low` exceeds 1.

    Source: Schulman et al. 2017, eq. (7); asymmetric bounds: Yu et al. 2025 (DAPO), eq. (10).
    """
    _check_bounds(clip_low, clip_high)
    ratios = likelihood_ratios(log_probs, old_log_probs, mask)
    return _clipped_surrogate(ratios, advantages, mask, clip_low, clip_high)


def sequence_clipped_losses(
    log_probs: TokenValues,
    old_log_probs: TokenValues,
    advantages: TokenValues,
    mask: TokenMask,
    *,
    clip_low: float = 3e-4,
    clip_high: float = 4e-4,
) -> Recorded:
    """Return the clipped surrogate with one ratio per response, s = exp(mean_t log ρ_t).

    Every token of a response carries -min(s A_t, clip(s) A_t); with one advantage per response and
    the reduction `sequence_mean` that is the source's objective.

    Args:
        log_probs: Of the current policy.
        old_log_probs: Of the policy that made the data.
        advantages: A, in any unit.
        mask: The tokens that count.
        clip_low: Bound below 1; small because s is a geometric mean.
        clip_high: Bound above 1.

    Returns:
        Shape (rows, tokens); the ledger holds `ratios` (s on every token) and `clipped`.

    Raises:
        InputError: If a bound is negative, or `clip_low` exceeds 1.

    Source: Zheng et al. 2025 (GSPO), eqs. (5) and (7); defaults from its sec. 5.1.
    """
    _check_bounds(clip_low, clip_high)
    difference = masked(widened(log_probs) - widened(old_log_probs.detach()), mask)
    mean = difference.sum(1) / mask.sum(1).clamp(min=1)
    ratios = mean.clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT).exp()[:, None].expand(mask.shape)
    return _clipped_surrogate(ratios, advantages, mask, clip_low, clip_high)


def clipped_weight_losses(
    log_probs: TokenValues,
    old_log_probs: TokenValues,
    advantages: TokenValues,
    mask: TokenMask,
    *,
    clip_low: float = 1.0,
    clip_high: float = 4.0,
) -> Recorded:
    """Return ℓ_t = -sg(clip(ρ_t, 1 - low, 1 + high)) A_t log π(token_t).

    The importance weight is clipped and held constant (sg), so no token loses its gradient.

    Args:
        log_probs: Of the current policy.
        old_log_probs: Of the policy that made the data.
        advantages: A, in any unit.
        mask: The tokens that count.
        clip_low: Bound below 1; 1 is no bound, as in the source.
        clip_high: Bound above 1; the source tunes it and prints no number, so 4 (ρ up to 5) is
            our choice.

    Returns:
        Shape (rows, tokens); the ledger holds `ratios`, the clipped `weights` and `clipped`.

    Raises:
        InputError: If a bound is negative, or `clip_low` exceeds 1.

    Source: MiniMax 2025 (CISPO), eqs. (4) and (5).
    """
    _check_bounds(clip_low, clip_high)
    ratios = likelihood_ratios(log_probs, old_log_probs, mask).detach()
    weights = ratios.clamp(1 - clip_low, 1 + clip_high)
    credit = masked(advantages.detach().to(ratios.dtype), mask)
    losses = -weights * credit * masked(log_probs.to(ratios.dtype), mask)
    return Recorded(losses, detached(ratios=ratios, weights=weights, clipped=weights != ratios))


def reinforce_losses(log_probs: TokenValues, advantages: TokenValues, mask: TokenMask) -> Recorded:
    """Return ℓ_t = -A_t log π(token_t).

    Source: Williams 1992 (REINFORCE), with the sign of a loss.
    """
    chosen = masked(widened(log_probs), mask)
    credit = masked(advantages.detach().to(chosen.dtype), mask)
    losses = -credit * chosen
    return Recorded(losses, detached(credit=credit))


def _clipped_surrogate(
    ratios: TokenValues,
    advantages: TokenValues,
    mask: TokenMask,
    clip_low: float,
    clip_high: float,
) -> Recorded:
    credit = masked(advantages.detach().to(ratios.dtype), mask)
    free = ratios * credit
    bounded = ratios.clamp(1 - clip_low, 1 + clip_high) * credit
    losses = -torch.minimum(free, bounded)
    return Recorded(masked(losses, mask), detached(ratios=ratios, clipped=bounded < free))


def _check_bounds(clip_low: float, clip_high: float) -> None:
    if not (0 <= clip_low <= 1 and clip_high >= 0):
        raise InputError(
            f"clip bounds must satisfy 0 <= low <= 1 and high >= 0, got {clip_low}, {clip_high}"
        )
