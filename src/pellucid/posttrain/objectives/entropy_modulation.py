"""Advantages of steps, weighted by how sure the policy was when it took them."""

import torch
from jaxtyping import Float
from torch import Tensor

from pellucid.posttrain.objectives.batch import Recorded, detached
from pellucid.posttrain.objectives.reducers import LOCAL, Reducer
from pellucid.types_torch import RowValues, StepValues


def entropy_modulated_advantages(
    advantages: RowValues,
    step_entropies: StepValues,
    *,
    scaling: float = 1.0,
    clarity: float = 1.0,
    bonus: float = 0.05,
    reducer: Reducer = LOCAL,
) -> Recorded:
    """Return A_i · g(H_{i,t}) + ζ · f(H_{i,t+1}), centred over all steps of the batch.

    H̃ = (H - min H) / (max H - min H + 1e-8) over the steps of the batch; g = exp(-k H̃) divided by
    its mean over the batch, so that its mean is 1; f = exp(-k' H̃). The last step of a response has
    no next step and gets no bonus. Confident steps count for more, unsure ones for less, whatever
    the sign of A; steps that lead to a clear next state get a bonus.

    With `scaling` = `bonus` = 0 the advantages come back unchanged, not centred: that is the base
    method. Centring otherwise moves responses of equal outcome too, so a group without any signal
    still gets a gradient from the bonus; the ledger shows how much.

    Args:
        advantages: Shape (rows,); normalised outcome of each response.
        step_entropies: Shape (rows, steps); mean token entropy in nats of each step's own tokens
            (`steps.step_means`), NaN where a response has no such step; leave responses that
            could not be scored out of the mask there, and they enter no statistic.
        scaling: k.
        clarity: k'.
        bonus: ζ; 0.05 as in the replication of Wang et al. 2026.
        reducer: Brings the steps of all processes together.

    Returns:
        Shape (rows, steps), NaN where there is no step; the ledger holds `entropies` (H),
        `normalised` (H̃), `weights` (g), `bonuses` (ζ f of the next step) and `centre`.

    Source: Wang et al. 2025 (EMPG), as restated in the replication by Wang et al. 2026 (ARLArena),
    S20-S23.
    """
    entropies = step_entropies.detach().double()
    present = ~torch.isnan(entropies)
    base = advantages.detach().double()[:, None].expand(entropies.shape)
    normalised, weights = _confidence_weights(entropies, scaling, reducer)
    clear = bonus * torch.exp(-clarity * normalised)
    no_next = entropies.new_zeros(len(entropies), 1)
    bonuses = torch.cat([torch.nan_to_num(clear[:, 1:]), no_next], dim=1)[:, : entropies.shape[1]]
    modulated = base * weights + bonuses
    if scaling == 0 and bonus == 0:
        centre = modulated.new_zeros(())
    else:
        centre = _mean(reducer.gather(modulated[present]))
    result = torch.where(present, modulated - centre, torch.nan)
    ledger = detached(
        entropies=entropies, normalised=normalised, weights=weights, bonuses=bonuses, centre=centre
    )
    return Recorded(result, ledger)


def _confidence_weights(
    entropies: StepValues, scaling: float, reducer: Reducer
) -> tuple[StepValues, StepValues]:
    """Return H̃ and g; the rule for each is in `entropy_modulated_advantages`."""
    everywhere = reducer.gather(entropies[~torch.isnan(entropies)])
    if not len(everywhere):
        return entropies, entropies
    low, high = everywhere.min(), everywhere.max()
    normalised = (entropies - low) / (high - low + 1e-8)
    decayed = torch.exp(-scaling * normalised)
    mean = torch.exp(-scaling * (everywhere - low) / (high - low + 1e-8)).mean()
    return normalised, decayed / mean


def _mean(values: Float[Tensor, " steps"]) -> Float[Tensor, ""]:
    return values.mean() if len(values) else values.new_zeros(())
