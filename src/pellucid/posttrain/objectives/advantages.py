"""Advantages of whole responses from rewards, without a critic.

A reward of NaN means "could not be scored": the response gets advantage 0, and neither means,
spreads nor siblings' baselines see it. Take such responses out of the loss mask too
(`masks.scorable_mask`), so that they do not count in its divisor.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached
from pellucid.posttrain.objectives.reducers import LOCAL, Reducer
from pellucid.types_torch import RowLabels, RowValues

MeanScope = Literal["group", "batch", "none"]
"""Over which responses the mean is taken that is subtracted from each reward."""

SpreadScope = Literal["group", "batch", "pooled", "none"]
"""Over which responses the standard deviation is taken; `pooled` is within groups, over all."""

_ROUNDING = 1e-12


def scaled_advantages(
    rewards: RowValues,
    groups: RowLabels,
    *,
    mean: MeanScope = "group",
    std: SpreadScope = "batch",
    epsilon: float = 1e-6,
    reducer: Reducer = LOCAL,
) -> Recorded:
    """Return A = (r - mean) / (std + ε), each statistic over its own scope.

    group/group is GRPO, batch/batch REINFORCE++, group/none Dr. GRPO, group/batch Lite PPO.
    `batch` spread is the unbiased deviation of the *raw* rewards; `pooled` is
    sqrt(Σ_g Σ_i (r - mean_g)² / Σ_g (n_g - 1)), which differences between prompts do not enter.

    Where all rewards of the scope are equal (or there is one) there is no scale: the divisor is 1
    and A is the centred reward. The papers divide by ε there, which makes A explode whenever the
    mean has a wider scope than the spread.

    Args:
        rewards: Shape (rows,); NaN where a response could not be scored.
        groups: Shape (rows,); equal for responses to the same prompt.
        mean: Scope of the mean.
        std: Scope of the standard deviation.
        epsilon: Added to the standard deviation; 1e-6 as in ROLL (TRL: 1e-4).
        reducer: Brings rewards and groups of all processes together.

    Returns:
        Shape (rows,), float64; the ledger holds `baseline`, `divisor` and `scorable`.

    Source: Liu et al. 2025 (Lite PPO); Shao et al. 2024 (GRPO), sec. 4.1.2; Liu et al. 2025a
    (Dr. GRPO); the pooled spread is ours.
    """
    rewards = rewards.detach().double()
    scorable = ~torch.isnan(rewards)
    all_rewards, all_groups = _scored(reducer.gather(rewards), reducer.gather(groups))
    means, spreads = _per_group(all_rewards, all_groups, groups)
    baseline = {
        "group": means,
        "batch": _mean(all_rewards).expand_as(rewards),
        "none": torch.zeros_like(rewards),
    }[mean]
    if std == "group":
        spread = spreads
    elif std == "batch":
        spread = _spread(all_rewards).expand_as(rewards)
    elif std == "pooled":
        spread = _pooled_spread(all_rewards, all_groups).expand_as(rewards)
    else:
        spread = torch.zeros_like(rewards)
    scale = all_rewards.abs().amax() if len(all_rewards) else torch.ones((), dtype=torch.float64)
    has_scale = spread > _ROUNDING * scale
    divisor = torch.where(has_scale, spread + epsilon, torch.ones_like(spread))
    advantages = torch.where(scorable, (rewards - baseline) / divisor, torch.zeros_like(rewards))
    return Recorded(advantages, detached(baseline=baseline, divisor=divisor, scorable=scorable))


def leave_one_out_advantages(
    rewards: RowValues, groups: RowLabels, *, reducer: Reducer = LOCAL
) -> Recorded:
    """Return A_i = r_i - mean of the other scorable rewards of its group.

    The baseline does not depend on the response itself, so the gradient is unbiased. A response
    without a scorable sibling has no baseline and gets advantage 0.

    Args:
        rewards: Shape (rows,); NaN where a response could not be scored.
        groups: Shape (rows,); equal for responses to the same prompt.
        reducer: Brings rewards and groups of all processes together.

    Returns:
        Shape (rows,), float64; the ledger holds `baseline` and `scorable`.

    Source: Ahmadian et al. 2024 (RLOO).
    """
    rewards = rewards.detach().double()
    scorable = ~torch.isnan(rewards)
    all_rewards, all_groups = _scored(reducer.gather(rewards), reducer.gather(groups))
    same = (groups[:, None] == all_groups[None, :]).double()
    counts = same.sum(1)
    others = same @ all_rewards - torch.nan_to_num(rewards)
    usable = scorable & (counts > 1)
    baseline = others / (counts - 1).clamp(min=1)
    advantages = torch.where(usable, rewards - baseline, torch.zeros_like(rewards))
    return Recorded(advantages, detached(baseline=baseline, scorable=usable))


def _scored(
    rewards: Float[Tensor, " all"], groups: Int[Tensor, " all"]
) -> tuple[Float[Tensor, " scored"], Int[Tensor, " scored"]]:
    """Return the scorable rewards and their groups; an infinite reward is an error."""
    if torch.isinf(rewards).any():
        row = int(torch.nonzero(torch.isinf(rewards))[0])
        raise InputError(
            f"the reward of row {row} is infinite", hint="use NaN for what could not be scored"
        )
    keep: Bool[Tensor, " all"] = ~torch.isnan(rewards)
    return rewards[keep], groups[keep]


def _mean(rewards: Float[Tensor, " scored"]) -> Float[Tensor, ""]:
    return rewards.mean() if len(rewards) else rewards.new_zeros(())


def _spread(rewards: Float[Tensor, " scored"]) -> Float[Tensor, ""]:
    return rewards.std() if len(rewards) > 1 else rewards.new_zeros(())


def _per_group(
    rewards: Float[Tensor, " scored"], groups: Int[Tensor, " scored"], wanted: RowLabels
) -> tuple[RowValues, RowValues]:
    """Return mean and unbiased deviation of each wanted row's group; zeros where undefined."""
    means = rewards.new_zeros(len(wanted))
    spreads = rewards.new_zeros(len(wanted))
    for group in set(wanted.tolist()):
        members = rewards[groups == group]
        means[wanted == group] = _mean(members)
        spreads[wanted == group] = _spread(members)
    return means, spreads


def _pooled_spread(
    rewards: Float[Tensor, " scored"], groups: Int[Tensor, " scored"]
) -> Float[Tensor, ""]:
    centred = rewards - _per_group(rewards, groups, groups)[0]
    freedom = len(rewards) - len(set(groups.tolist()))
    return (centred.square().sum() / freedom).sqrt() if freedom else rewards.new_zeros(())
