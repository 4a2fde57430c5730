"""Advantages from a critic's values, token by token."""

import torch

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached, masked
from pellucid.types_torch import RowValues, TokenMask, TokenValues


def generalised_advantages(
    rewards: TokenValues,
    values: TokenValues,
    mask: TokenMask,
    *,
    discount: float = 1.0,
    trace: float = 0.95,
    final_values: RowValues | None = None,
) -> Recorded:
    """Return A_t = Σ_k (γλ)^k δ_{t+k}, with δ_t = r_t + γ V_{t+1} - V_t.

    Time runs over the selected tokens only: after a token comes the next token that the policy
    wrote, so tool output between two turns neither discounts nor breaks the trace.

    Args:
        rewards: Shape (rows, tokens); the reward paid at each token.
        values: Shape (rows, tokens); V of the state *before* each token.
        mask: Shape (rows, tokens); the tokens that the policy wrote.
        discount: γ per token; 1 because a response is short and its length is not a cost.
        trace: λ; 0 is the one-step error, 1 the return minus the value.
        final_values: Shape (rows,); V of the state after the last token, for responses that were
            cut off. 0 (the response is finished) if None.

    Returns:
        Shape (rows, tokens), 0 outside the mask; the ledger holds `returns` = A + V, the critic's
        target, and `errors` = δ.

    Raises:
        InputError: If `discount` or `trace` lies outside 0..1.

    Source: Schulman et al. 2016, eq. (16).
    """
    for name, number in (("discount", discount), ("trace", trace)):
        if not 0 <= number <= 1:
            raise InputError(f"{name} must lie in 0..1, got {number}")
    rewards = masked(rewards.detach().double(), mask)
    values = masked(values.detach().double(), mask)
    following = values.new_zeros(len(values)) if final_values is None else final_values.double()
    carried = torch.zeros_like(following)
    errors = torch.zeros_like(values)
    advantages = torch.zeros_like(values)
    for t in reversed(range(values.shape[1])):
        here = mask[:, t]
        error = rewards[:, t] + discount * following - values[:, t]
        carried = torch.where(here, error + discount * trace * carried, carried)
        following = torch.where(here, values[:, t], following)
        errors[:, t] = torch.where(here, error, 0.0)
        advantages[:, t] = torch.where(here, carried, 0.0)
    return Recorded(advantages, detached(returns=advantages + values, errors=errors))
