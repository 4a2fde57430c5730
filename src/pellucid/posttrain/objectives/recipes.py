"""Published combinations of advantage, loss and reduction, as settings of one objective."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.objectives.advantages import (
    MeanScope,
    SpreadScope,
    leave_one_out_advantages,
    scaled_advantages,
)
from pellucid.posttrain.objectives.batch import Batch, Context, Ledger, Recorded, masked
from pellucid.posttrain.objectives.kl import KLEstimator, kl_losses
from pellucid.posttrain.objectives.masks import scorable_mask
from pellucid.posttrain.objectives.reducers import LOCAL, Reducer
from pellucid.posttrain.objectives.reductions import Reduction, reduce_losses, token_weights
from pellucid.posttrain.objectives.rewards import combined_rewards
from pellucid.posttrain.objectives.steps import rows_to_tokens
from pellucid.posttrain.objectives.token_losses import (
    clipped_losses,
    clipped_weight_losses,
    sequence_clipped_losses,
)
from pellucid.types_torch import TokenValues

_LOSSES = MappingProxyType(
    {
        "token_clip": clipped_losses,
        "sequence_clip": sequence_clipped_losses,
        "weight_clip": clipped_weight_losses,
    }
)


@dataclass(frozen=True)
class Recipe:
    """The choices that make up a critic-free objective.

    Args:
        mean: Scope of the mean reward; `leave_one_out` is the mean of the siblings.
        std: Scope of the standard deviation.
        loss: Where the ratio is clipped: per token, per response, or as a constant weight.
        clip_low: Bound below 1.
        clip_high: Bound above 1.
        reduction: How token losses are averaged.
        longest: Response limit, for the reduction `constant` only.
        kl: Coefficient of the divergence from the reference policy; 0 needs no reference.
        kl_estimator: How the divergence is estimated.

    Raises:
        InputError: If `leave_one_out` is combined with a standard deviation.
    """

    mean: MeanScope | Literal["leave_one_out"] = "group"
    std: SpreadScope = "batch"
    loss: Literal["token_clip", "sequence_clip", "weight_clip"] = "token_clip"
    clip_low: float = 0.2
    clip_high: float = 0.2
    reduction: Reduction = "token_mean"
    longest: int | None = None
    kl: float = 0.0
    kl_estimator: KLEstimator = "k3"

    def __post_init__(self) -> None:
        if self.mean == "leave_one_out" and self.std != "none":
            raise InputError(f"leave_one_out goes with std 'none', got '{self.std}'")


LITE_PPO = Recipe()
"""Liu et al. 2025: group mean, batch deviation, token mean, plain clip, nothing else."""

GRPO = Recipe(std="group", reduction="sequence_mean", kl=0.04)
"""Shao et al. 2024."""

DAPO = Recipe(std="group", clip_high=0.28)
"""Yu et al. 2025, without its dynamic sampling and overlong penalty, which are not in the loss."""

GSPO = Recipe(
    std="group", loss="sequence_clip", clip_low=3e-4, clip_high=4e-4, reduction="sequence_mean"
)
"""Zheng et al. 2025."""

CISPO = Recipe(std="group", loss="weight_clip", clip_low=1.0, clip_high=4.0)
"""MiniMax 2025; the upper bound is our choice, see `clipped_weight_losses`."""


@dataclass(frozen=True)
class Prepared:
    """What is fixed for the optimiser's whole batch before the first backward pass.

    Args:
        advantages: Shape (rows, tokens); 0 on tokens that do not count.
        weights: Shape (rows, tokens); each token's weight in the loss.
        ledger: Rewards by component, baselines and divisors.
    """

    advantages: TokenValues
    weights: TokenValues
    ledger: Ledger

    def select(self, rows: Int[Tensor, " selected"]) -> "Prepared":
        """Return what belongs to some of the rows; the ledger stays that of the batch."""
        return Prepared(self.advantages[rows], self.weights[rows], self.ledger)


def prepare(batch: Batch, recipe: Recipe, *, reducer: Reducer = LOCAL) -> Prepared:
    """Compute advantages and token weights of this process's share of a batch.

    Responses that could not be scored get weight 0 and enter no statistic.

    Raises:
        InputError: If a response was sampled under a hint or the answer: its ratio compares two
            contexts, which no recipe here is made for.
    """
    elsewhere = torch.nonzero(batch.contexts != Context.PLAIN)
    if len(elsewhere):
        row = int(elsewhere[0])
        name = Context(int(batch.contexts[row])).name.lower()
        raise InputError(
            f"recipes take responses sampled under the plain prompt, but row {row} is {name}",
            hint="use guided_losses for hinted and explanation_losses for answered responses",
        )
    rewards, ledger = combined_rewards(batch.rewards)
    if recipe.mean == "leave_one_out":
        rows = leave_one_out_advantages(rewards, batch.groups, reducer=reducer)
    else:
        rows = scaled_advantages(
            rewards, batch.groups, mean=recipe.mean, std=recipe.std, reducer=reducer
        )
    mask = scorable_mask(batch.mask, rewards)
    weights = token_weights(
        mask, reduction=recipe.reduction, longest=recipe.longest, reducer=reducer
    )
    components = {f"reward/{name}": part for name, part in ledger.items()}
    return Prepared(rows_to_tokens(rows.value, mask), weights, components | rows.ledger)


def policy_loss(
    log_probs: TokenValues, batch: Batch, prepared: Prepared, recipe: Recipe
) -> Recorded:
    """Return the share of the loss that these rows have; shares add up to the batch's loss.

    Args:
        log_probs: Shape (rows, tokens); of the current policy, with gradient.
        batch: The rows, or a `select`ion of them.
        prepared: What `prepare` made of the whole batch, selected likewise.
        recipe: The same as in `prepare`.

    Returns:
        A scalar; the ledger holds that of the token loss, `contributions`, and `kl` per token.

    Raises:
        InputError: If a divergence is wanted and the batch has no reference log-probabilities.
    """
    mask = prepared.weights != 0
    old = batch.behaviour_log_probs if batch.old_log_probs is None else batch.old_log_probs
    losses, ledger = _LOSSES[recipe.loss](
        log_probs,
        old,
        prepared.advantages,
        mask,
        clip_low=recipe.clip_low,
        clip_high=recipe.clip_high,
    )
    if recipe.kl:
        if batch.reference_log_probs is None:
            raise InputError(
                f"a KL coefficient of {recipe.kl} needs reference log-probabilities, got none"
            )
        divergences = kl_losses(
            log_probs, batch.reference_log_probs, mask, estimator=recipe.kl_estimator
        ).value
        losses = losses + recipe.kl * divergences
        ledger = {**ledger, "kl": masked(divergences, mask).detach()}
    total, contributions = reduce_losses(losses, prepared.weights)
    return Recorded(total, {**ledger, **contributions})
