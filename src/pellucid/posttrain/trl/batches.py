"""Between TRL's dictionaries of tensors and the `Batch` of the objectives.

TRL shuffles the rows of what a hook returns and cuts them into micro-batches, so every statistic
of a group or a batch is finished before, and what the loss needs travels with the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pellucid.posttrain.objectives import Batch, Context, Prepared, Reducer
from pellucid.types_torch import RowValues, TokenLabels, TokenMask, TokenValues

WEIGHTS = "token_weights"
"""Key of the weight of each token in the loss."""

REWARDS = "total_rewards"
"""Key of each row's weighted reward, NaN where it could not be scored."""

TURNS = "turn_labels"
"""Key of the turn of each token."""

ROWS = "row_numbers"
"""Key of each row's place before TRL shuffled the batch."""

IMAGES = (
    "pixel_values",
    "image_grid_thw",
    "num_images",
    "pixel_attention_mask",
    "spatial_shapes",
    "num_tiles",
    "image_sizes",
    "token_type_ids",
    "mm_token_type_ids",
    "image_position_ids",
)
"""Model inputs that TRL's batch may carry beside ids and masks."""


class Taught(NamedTuple):
    """A text that is learned by its likelihood, beside the completions.

    Args:
        row: The row whose plain prompt it is learned behind.
        prompt: What it was sampled under.
        text: As it is learned.
        rewards: Raw, by component, of the text as it was sampled.
        total: Weighted sum.
        n_tokens: Of the text as it is learned.
    """

    row: int
    prompt: Any
    text: str
    rewards: Mapping[str, float]
    total: float
    n_tokens: int


class Completed(NamedTuple):
    """A batch with all that the loss needs.

    Args:
        output: What TRL gets, one entry per row.
        sampled: The completions that are learned from.
        taught: Further texts.
    """

    output: dict[str, Any]
    sampled: "Sampled"
    taught: tuple[Taught, ...] = ()


@dataclass(frozen=True)
class Sampled:
    """Completions that TRL sampled and scored, before anything is learned.

    Args:
        output: What TRL returned.
        rewards: One (rows,) tensor per component, this process's share, weighted.
        group_size: Completions per prompt; the rows of a group lie together.
        rank: This process among those that share the batch.
        texts: The completions, as the reward functions got them.
        raw: As `rewards`, unweighted.
    """

    output: dict[str, Any]
    rewards: Mapping[str, RowValues]
    group_size: int
    rank: int
    texts: Sequence[Any] = ()
    raw: Mapping[str, RowValues] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Rows of this process."""
        return len(self.output["completion_ids"])

    @property
    def mask(self) -> TokenMask:
        """The tokens that the policy wrote: no padding, no words of tools."""
        return written(self.output)


def written(output: Mapping[str, Any]) -> TokenMask:
    """Return the mask of the tokens that the policy wrote."""
    mask: Tensor = output["completion_mask"].bool()
    return mask & output["tool_mask"].bool() if "tool_mask" in output else mask


def turn_labels(mask: TokenMask, ends: TokenMask | None = None) -> TokenLabels:
    """Return the step of each written token, from 0; -1 elsewhere.

    Args:
        mask: The tokens that the policy wrote; a new run of them starts a new step.
        ends: Tokens that are the last of their step.

    Example:
        >>> turn_labels(torch.tensor([[True, True, False, True]]))
        tensor([[ 0,  0, -1,  1]])
    """
    going_on = mask if ends is None else mask & ~ends
    before = torch.nn.functional.pad(going_on[:, :-1], (1, 0), value=False)
    return torch.where(mask, (mask & ~before).cumsum(1) - 1, -1)


def whole_batch(sampled: Sampled, turns: TokenLabels | None = None) -> Batch:
    """Return this process's share of a batch of completions, groups numbered over all processes.

    Log-probabilities are not known yet and NaN: advantages and weights need none.
    """
    mask = sampled.mask
    places = torch.arange(sampled.n_rows, device=mask.device) + sampled.rank * sampled.n_rows
    return Batch(
        ids=sampled.output["completion_ids"],
        mask=mask,
        turns=turn_labels(mask) if turns is None else turns,
        groups=places // sampled.group_size,
        rewards=sampled.rewards,
        behaviour_log_probs=torch.full(mask.shape, torch.nan, device=mask.device),
        contexts=torch.full_like(places, Context.PLAIN),
    )


def with_objective(
    sampled: Sampled, batch: Batch, prepared: Prepared, total: RowValues, reducer: Reducer
) -> dict[str, Any]:
    """Return TRL's output with what the loss needs, one entry per row.

    If the engine that sampled was corrected for (vLLM), its token weights go into the advantages:
    they are positive, and such a factor commutes with minimum and clip.
    """
    output, advantages = dict(sampled.output), prepared.advantages
    if "importance_sampling_ratio" in output:
        advantages = advantages * output["importance_sampling_ratio"].double()
    weights = prepared.weights
    counted = torch.stack([(weights != 0).sum().double()])
    output["advantages"] = advantages.float()
    output[WEIGHTS] = weights.float()
    output[REWARDS] = total.float()
    output[TURNS] = batch.turns
    output[ROWS] = torch.arange(sampled.n_rows, device=weights.device)
    # TRL divides by it; kept right although the weights here do not need it
    output["num_items_in_batch"] = reducer.total(counted)[0].long()
    return output


def micro_batch(inputs: Mapping[str, Any], log_probs: TokenValues) -> tuple[Batch, Prepared]:
    """Return what `policy_loss` takes of a micro-batch.

    Without log-probabilities of the sampling policy TRL trains on the policy itself: the ratio is 1
    and carries the gradient.
    """
    old = inputs.get("old_per_token_logps")
    mask = written(inputs)
    batch = Batch(
        ids=inputs["completion_ids"],
        mask=mask,
        turns=inputs[TURNS],
        groups=torch.zeros_like(inputs[ROWS]),
        rewards={"total": inputs[REWARDS]},
        behaviour_log_probs=log_probs.detach() if old is None else old,
        contexts=torch.full_like(inputs[ROWS], Context.PLAIN),
        reference_log_probs=inputs.get("ref_per_token_logps"),
    )
    return batch, Prepared(inputs["advantages"], inputs[WEIGHTS], {})


def padded(values: Tensor, n_columns: int, fill: float) -> Tensor:
    """Return a (rows, tokens) tensor with further columns on the right."""
    missing = n_columns - values.size(1)
    return torch.nn.functional.pad(values, (0, missing), value=fill) if missing > 0 else values
