"""From several reward components to one number per response."""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Int

from pellucid.errors import InputError
from pellucid.posttrain.objectives.batch import Recorded, detached
from pellucid.types_torch import RowValues


def combined_rewards(
    rewards: Mapping[str, RowValues],
    *,
    weights: Mapping[str, float] | None = None,
    missing: Literal["unscorable", "skip"] = "unscorable",
) -> Recorded:
    """Return r = Σ_c w_c · r_c for each response, NaN where it cannot be scored.

    Args:
        rewards: One (rows,) tensor per component; NaN where the component has no score.
        weights: One weight per component; 1 each if None.
        missing: What one missing component does. `unscorable`: the response has no reward (a judge
            that failed must not look like a low score). `skip`: the sum goes over the others, for
            components that only apply to some tasks; with none left the response has no reward.

    Returns:
        Shape (rows,); the ledger holds each weighted component under its name.

    Raises:
        InputError: If the weights do not name exactly the components, or a reward is infinite.
    """
    if not rewards:
        raise InputError("at least one reward component is needed, got none")
    weights = dict.fromkeys(rewards, 1.0) if weights is None else weights
    if set(weights) != set(rewards):
        raise InputError(
            f"weights must name the components {sorted(rewards)}, got {sorted(weights)}"
        )
    terms = {name: weights[name] * reward.double() for name, reward in rewards.items()}
    stacked = torch.stack(list(terms.values()))
    if torch.isinf(stacked).any():
        component, row = torch.nonzero(torch.isinf(stacked))[0].tolist()
        raise InputError(f"reward '{list(terms)[component]}' of row {row} is infinite")
    unscored = torch.isnan(stacked)
    absent = unscored.any(0) if missing == "unscorable" else unscored.all(0)
    summed = torch.nansum(stacked, dim=0).masked_fill(absent, torch.nan)
    return Recorded(summed, detached(**terms))


def overlong_penalties(
    lengths: Int[torch.Tensor, " rows"], *, longest: int, buffer: int
) -> RowValues:
    """Return the penalty that grows from 0 to -1 over the last `buffer` tokens before the limit.

    0 up to longest - buffer, then ((longest - buffer) - length) / buffer, and -1 past longest.

    Args:
        lengths: Tokens of each response.
        longest: The length that is punished in full.
        buffer: Over how many tokens the penalty grows.

    Raises:
        InputError: If not 0 < buffer <= longest.

    Source: Yu et al. 2025 (DAPO), eq. (13).
    """
    if not 0 < buffer <= longest:
        raise InputError(f"the buffer must lie in 1..{longest} (longest), got {buffer}")
    return ((longest - buffer - lengths.double()) / buffer).clamp(-1.0, 0.0)
