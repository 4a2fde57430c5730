"""Learning from explanations that the policy wrote when it was told the answer."""

import torch
from torch.nn.functional import logsigmoid

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached, masked, widened
from pellucid.posttrain.objectives.reducers import LOCAL, Reducer
from pellucid.types_torch import RowLabels, RowMask, RowValues, TokenMask, TokenValues


def explanation_losses(
    log_probs: TokenValues, mask: TokenMask, *, per_token: bool = True
) -> Recorded:
    """Return -log π(explanation, answer | question) of each row, per token if wanted.

    Its mean over rows times β is added to the group objective; β = 0.04 was best in the source.

    Args:
        log_probs: Of the current policy under the question *without* the answer.
        mask: The tokens of explanation and answer.
        per_token: Divide by the number of tokens, so that β does not depend on length. The source
            does not say; False is the plain log-likelihood.

    Returns:
        Shape (rows,), 0 for a row without tokens; the ledger holds the `lengths`.

    Source: Zhou et al. 2025 (ExPO), the likelihood term of ExP-GRPO.
    """
    lengths = mask.sum(1)
    summed = -masked(widened(log_probs), mask).sum(1)
    losses = summed / lengths.clamp(min=1) if per_token else summed
    return Recorded(losses, detached(lengths=lengths))


def preference_losses(
    chosen: RowValues,
    rejected: RowValues,
    reference_chosen: RowValues,
    reference_rejected: RowValues,
    *,
    beta: float = 0.1,
) -> Recorded:
    """Return -log σ(β [(log π - log π_ref)(chosen) - (log π - log π_ref)(rejected)]) per pair.

    In ExP-DPO, chosen is the self-explanation with the right answer, rejected a wrong response of
    the policy's own, both after the plain question.

    Args:
        chosen: Shape (pairs,); log-likelihood of the preferred response, with gradient.
        rejected: Of the other response, with gradient.
        reference_chosen: Of the preferred response under the reference policy.
        reference_rejected: Of the other response under the reference policy.
        beta: How strongly the policy is held to the reference.

    Returns:
        Shape (pairs,); the ledger holds the `margins`, the argument of σ.

    Raises:
        InputError: If β is not positive.

    Source: Rafailov et al. 2023, eq. (7); Zhou et al. 2025 (ExPO).
    """
    if not beta > 0:
        raise InputError(f"beta must be positive, got {beta}")
    gain = widened(chosen) - widened(reference_chosen.detach())
    other_gain = widened(rejected) - widened(reference_rejected.detach())
    margins = beta * (gain - other_gain)
    return Recorded(-logsigmoid(margins), detached(margins=margins))


def unsolved_groups(rewards: RowValues, groups: RowLabels, *, reducer: Reducer = LOCAL) -> RowMask:
    """Return True for the rows whose group was scored and has no reward above 0.

    Those are the questions that the source explains; a group without any score is not among them.
    """
    all_rewards, all_groups = reducer.gather(rewards), reducer.gather(groups)
    scored = all_groups[~torch.isnan(all_rewards)]
    solved = all_groups[all_rewards > 0]
    return torch.isin(groups, scored) & ~torch.isin(groups, solved)
