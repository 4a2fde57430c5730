"""Between tokens and steps: a step is one turn of the agent, a run of tokens with one number."""

import torch
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.objectives.advantages import MeanScope, SpreadScope, scaled_advantages
from pellucid.posttrain.objectives.batch import Recorded, masked
from pellucid.posttrain.objectives.reducers import LOCAL, Reducer
from pellucid.types_torch import (
    RowLabels,
    RowValues,
    StepValues,
    TokenLabels,
    TokenMask,
    TokenValues,
)


def rows_to_tokens(values: RowValues, mask: TokenMask) -> TokenValues:
    """Return each response's number on each of its selected tokens, 0 elsewhere."""
    return masked(values[:, None].expand(mask.shape), mask)


def steps_to_tokens(values: StepValues, turns: TokenLabels, mask: TokenMask) -> TokenValues:
    """Return each step's number on each of its selected tokens, 0 elsewhere.

    Raises:
        InputError: If a selected token's turn has no step.
    """
    last = int(turns[mask].max()) if mask.any() else -1
    if last >= values.shape[1]:
        raise InputError(f"a token is of turn {last}, but there are {values.shape[1]} steps")
    if not values.shape[1]:
        return torch.zeros(mask.shape, dtype=values.dtype, device=values.device)
    return masked(values.gather(1, turns.clamp(min=0, max=values.shape[1] - 1)), mask)


def step_means(values: TokenValues, turns: TokenLabels, mask: TokenMask) -> StepValues:
    """Return the mean over each step's selected tokens, NaN where a response has no such step."""
    n_steps = int(turns[mask].max()) + 1 if mask.any() else 0
    columns = torch.where(mask, turns, torch.full_like(turns, n_steps))
    start = torch.zeros(len(turns), n_steps + 1, dtype=torch.float64, device=values.device)
    sums = start.scatter_add(1, columns, masked(values.detach().double(), mask))
    counts = start.scatter_add(1, columns, mask.double())
    return (sums / counts)[:, :n_steps]  # 0 / 0 is NaN: no such step


def step_advantages(
    step_rewards: StepValues,
    groups: RowLabels,
    *,
    mean: MeanScope = "group",
    std: SpreadScope = "group",
    epsilon: float = 1e-6,
    discount: float = 1.0,
    reducer: Reducer = LOCAL,
) -> Recorded:
    """Return A_{i,t} = Σ_{j >= t} γ^{j-t} r̃_{i,j}, r̃ the rewards of steps scaled over all steps.

    Args:
        step_rewards: Shape (rows, steps); NaN for no step, or one that could not be scored, which
            adds nothing to the sums of earlier steps.
        groups: Shape (rows,); equal for responses to the same prompt.
        mean: Scope of the mean, over the steps of the group or of the batch.
        std: Scope of the standard deviation, likewise.
        epsilon: Added to the standard deviation.
        discount: γ per step; 1 as in the source.
        reducer: Brings steps and groups of all processes together.

    Returns:
        Shape (rows, steps), float64; the ledger holds the `scaled` rewards r̃ and the statistics
        of `scaled_advantages`, per (row, step).

    Source: Shao et al. 2024, sec. 4.1.3 (process supervision), with γ and the scopes added.
    """
    shape = step_rewards.shape
    repeated = groups[:, None].expand(shape).reshape(-1)
    scaled, ledger = scaled_advantages(
        step_rewards.reshape(-1), repeated, mean=mean, std=std, epsilon=epsilon, reducer=reducer
    )
    per_step: dict[str, Tensor] = {name: part.reshape(shape) for name, part in ledger.items()}
    per_step["scaled"] = scaled.reshape(shape)
    advantages = torch.zeros_like(per_step["scaled"])
    carried = advantages.new_zeros(len(advantages))
    for t in reversed(range(shape[1])):
        carried = per_step["scaled"][:, t] + discount * carried
        advantages[:, t] = carried
    return Recorded(advantages, per_step)
