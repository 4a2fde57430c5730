"""Divergence from a reference policy, estimated at the sampled tokens.

An estimator that is right as a number can be wrong as a loss: its gradient need not be that of the
divergence. Which is which is in `kl_losses`, and tested by enumeration.
"""

from typing import Literal

import torch

from pellucid.posttrain.objectives.batch import Recorded, detached, masked, widened
from pellucid.posttrain.objectives.token_losses import LOG_RATIO_LIMIT, likelihood_ratios
from pellucid.types_torch import TokenMask, TokenValues

KLEstimator = Literal["k1", "k2", "k3"]
"""Estimators of KL(π ‖ π_ref) from samples of π; see `kl_losses`."""


def kl_losses(
    log_probs: TokenValues,
    reference_log_probs: TokenValues,
    mask: TokenMask,
    *,
    estimator: KLEstimator = "k3",
    old_log_probs: TokenValues | None = None,
) -> Recorded:
    """Return an estimate of KL(π ‖ π_ref) per token, to be added to the loss.

    With d = log π - log π_ref at the sampled token: k1 = d, k2 = d² / 2, k3 = exp(-d) - 1 + d.
    At each position, for its prefix as given, and samples of π itself without `old_log_probs`:

    - k1: unbiased number of high variance; expected gradient 0. Never a loss, good for rewards.
    - k2: biased number; its gradient is that of KL(π ‖ π_ref).
    - k3: unbiased number, never negative; its gradient is that of KL(π_ref ‖ π).

    With `old_log_probs` the estimate is multiplied by ρ = π / π_old *with* its gradient; then k1
    and k3 have the right value and the right gradient for KL(π ‖ π_ref), on samples of π_old.

    Args:
        log_probs: Of the current policy.
        reference_log_probs: Of the reference policy; no gradient flows.
        mask: The tokens that count.
        estimator: Which estimate; k3 as in GRPO.
        old_log_probs: Of the policy that made the data, to correct for it; None for no correction.

    Returns:
        Shape (rows, tokens), 0 outside the mask; the ledger holds `log_ratios` = d.

    Source: Schulman 2020 (the three estimators); Shao et al. 2024, eq. (4) (k3 as a loss). The
    gradients are derived here.
    """
    log_ratios = masked(widened(log_probs) - widened(reference_log_probs.detach()), mask)
    if estimator == "k1":
        estimates = log_ratios
    elif estimator == "k2":
        estimates = log_ratios.square() / 2
    else:
        bounded = log_ratios.clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
        estimates = torch.expm1(-bounded) + bounded
    if old_log_probs is not None:
        estimates = estimates * likelihood_ratios(log_probs, old_log_probs, mask)
    return Recorded(estimates, detached(log_ratios=log_ratios))
