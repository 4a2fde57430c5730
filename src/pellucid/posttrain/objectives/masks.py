"""Which tokens count."""

import torch

from pellucid.types_torch import RowMask, RowValues, TokenMask


def scorable_mask(mask: TokenMask, rewards: RowValues) -> TokenMask:
    """Return the mask without the responses whose reward is NaN.

    They then have zero weight: no token of theirs is in the loss or in its divisor.
    """
    return mask & ~torch.isnan(rewards)[:, None]


def overlong_mask(mask: TokenMask, truncated: RowMask) -> TokenMask:
    """Return the mask without the responses that were cut off at the length limit.

    They keep their place in the advantages of their group: only their own tokens teach nothing.

    Args:
        mask: Shape (rows, tokens).
        truncated: Shape (rows,); True where the engine stopped the response, not the policy.

    Source: Yu et al. 2025 (DAPO), sec. 3.4, overlong filtering.
    """
    return mask & ~truncated[:, None]
