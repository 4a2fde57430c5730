"""From token losses to the scalar that is minimised.

A reduction is a fixed weight per token, computed once for the optimiser's whole batch before the
first backward pass. The loss of a micro-batch is Σ weight · loss over its own tokens, and the
micro-batches of all processes add up to the loss of the batch, however it is split.
"""

from typing import Literal

import torch

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached, masked
from pellucid.posttrain.objectives.reducers import LOCAL, Reducer
from pellucid.types_torch import TokenMask, TokenValues

Reduction = Literal["token_mean", "sequence_mean", "sequence_sum", "constant"]
"""How token losses are averaged; see `token_weights`."""


def token_weights(
    mask: TokenMask,
    *,
    reduction: Reduction = "token_mean",
    longest: int | None = None,
    reducer: Reducer = LOCAL,
) -> TokenValues:
    """Return the weight of each token in the loss; 0 outside the mask.

    With N responses that have a selected token, and |o_i| selected tokens in response i:
    `token_mean` 1 / Σ_i |o_i| (DAPO), `sequence_mean` 1 / (N |o_i|) (GRPO), `sequence_sum` 1 / N,
    `constant` 1 / (N · longest) (Dr. GRPO). Responses without a selected token do not count in N.

    Args:
        mask: Shape (rows, tokens); this process's share of the *whole* optimiser batch.
        reduction: Which average.
        longest: Divisor of `constant`: the limit on response length, not the padded length.
        reducer: Adds the counts of all processes.

    Raises:
        InputError: If `longest` is missing for `constant`, or not positive.

    Source: Yu et al. 2025 (DAPO), eq. (8); Shao et al. 2024, eq. (3); Liu et al. 2025a.
    """
    lengths = mask.sum(1, dtype=torch.float64)
    counts = torch.stack([lengths.sum(), (lengths > 0).double().sum()])
    # an empty batch has weights 0, not 0 / 0
    n_tokens, n_rows = reducer.total(counts).clamp(min=1)
    if reduction == "token_mean":
        per_row = (1 / n_tokens).expand_as(lengths)
    elif reduction == "sequence_mean":
        per_row = 1 / (n_rows * lengths.clamp(min=1))
    elif reduction == "sequence_sum":
        per_row = (1 / n_rows).expand_as(lengths)
    else:
        if longest is None or longest < 1:
            raise InputError(f"reduction 'constant' needs a positive `longest`, got {longest}")
        per_row = (1 / (n_rows * longest)).expand_as(lengths)
    return masked(per_row[:, None].expand(mask.shape), mask)


def reduce_losses(losses: TokenValues, weights: TokenValues) -> Recorded:
    """Return Σ weight · loss, this micro-batch's share of the loss.

    Gradients of the shares add up over micro-batches and processes. A wrapper that *averages*
    gradients over processes (DDP) needs the share multiplied by `reducer.n_processes`.

    Args:
        losses: Shape (rows, tokens); never read where the weight is 0.
        weights: Shape (rows, tokens); the rows of `token_weights` that belong to the losses.

    Returns:
        A scalar in the dtype of the losses; the ledger holds the `contributions` of the tokens.
    """
    contributions = masked(losses, weights != 0) * weights.to(losses.dtype)
    return Recorded(contributions.sum(), detached(contributions=contributions))
