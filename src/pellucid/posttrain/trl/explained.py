"""Explanations that the policy wrote knowing the answer, learned without it, in TRL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain.objectives import (
    Batch,
    Prepared,
    Recipe,
    Recorded,
    combined_rewards,
    explanation_losses,
    policy_loss,
    prepare,
    unsolved_groups,
)
from pellucid.posttrain.trl.batches import Completed, Sampled, whole_batch, with_objective
from pellucid.posttrain.trl.method import Engine, Row, scored_batch
from pellucid.posttrain.trl.rows import chosen_groups, most_of_any, with_prompts
from pellucid.types_torch import RowMask, TokenValues

IDS, MASK = "explanation_ids", "explanation_mask"
"""Keys of the explanation of each row's prompt; the mask is empty where there is none."""

SHARE = "explanation_weights"
"""Key of each explanation's weight in the mean; 0 where there is none."""


@dataclass(frozen=True)
class SelfExplanation:
    """Adds -β log π(explanation | plain prompt) for prompts that the policy did not solve.

    Args:
        explain_prompt: The prompt that tells the answer and asks for the way to it, for a row of
            the data set (text or messages, like `prompt`).
        beta: β.
        keep: Whether an explanation is learned from, by row and text; None for those that earn a
            reward by themselves.
        only_unsolved: Only prompts without a success.
        per_token: Divide the log-likelihood by the number of tokens.

    Raises:
        InputError: If β is negative.

    Source: Zhou et al. 2025 (ExPO), ExP-GRPO; see `objectives.explanation_losses`.
    """

    explain_prompt: Callable[[Row], Any]
    beta: float = 0.04
    keep: Callable[[Row, str], bool] | None = None
    only_unsolved: bool = True
    per_token: bool = True
    name: ClassVar[str] = "self-explanation"

    def __post_init__(self) -> None:
        if not self.beta >= 0:
            raise InputError(f"beta must be 0 or more, got {self.beta}")

    def check(self, engine: Engine) -> None:
        """Refuse groups that are split over processes."""
        options = engine.options
        rows = options.per_device_train_batch_size * options.steps_per_generation
        if rows % options.num_generations:
            raise CapabilityError(
                "self-explanation writes one explanation per prompt, but a process holds parts of "
                "a group",
                hint="choose rows_per_device so that a process holds a multiple of the group size",
            )

    def complete(self, sampled: Sampled, inputs: Sequence[Row], engine: Engine) -> Completed:
        """Return the recipe's batch with an explanation beside some rows."""
        batch, total = scored_batch(sampled, engine)
        prepared = prepare(batch, engine.recipe, reducer=engine.reducer)
        completed = with_objective(sampled, batch, prepared, total, engine.reducer)
        further = self._explanations(sampled, inputs, engine)
        return Completed({**completed, **further}, sampled)

    def loss(
        self,
        log_probs: TokenValues,
        batch: Batch,
        prepared: Prepared,
        recipe: Recipe,
        inputs: Mapping[str, Any],
    ) -> Recorded:
        """Return the recipe's loss."""
        return policy_loss(log_probs, batch, prepared, recipe)

    def further_loss(
        self, engine: Engine, model: Any, inputs: Mapping[str, Any]
    ) -> Recorded | None:
        """Return the share of β times the mean negative log-likelihood of the explanations.

        Every process passes at least one row through the model, wrappers count on that.
        """
        if self.beta == 0 or IDS not in inputs:
            return None
        rows = torch.nonzero(inputs[SHARE])[:, 0]
        rows = rows if len(rows) else torch.zeros_like(inputs[SHARE][:1], dtype=torch.long)
        mask = inputs[MASK][rows]
        log_probs = engine.score(
            model,
            prompt_ids=inputs["prompt_ids"][rows],
            prompt_mask=inputs["prompt_mask"][rows],
            ids=inputs[IDS][rows],
            mask=mask,
        ).log_probs
        losses = explanation_losses(log_probs, mask.bool(), per_token=self.per_token).value
        mean = (losses * inputs[SHARE][rows].to(losses.dtype)).sum()
        return Recorded(self.beta * mean, {"explanation_loss": mean.detach()})

    # --- sampling explanations ---

    def _explanations(
        self, sampled: Sampled, inputs: Sequence[Row], engine: Engine
    ) -> dict[str, Tensor]:
        """Return one explanation beside the first row of each group that needs one."""
        size, device = sampled.group_size, sampled.mask.device
        groups = self._wanted(sampled, engine)
        n_groups = most_of_any(len(groups), engine.reducer, device)
        if self.beta == 0 or not n_groups:
            return {}
        rows = [group * size for group in chosen_groups(groups, n_groups)]
        asked = [inputs[row] for row in rows]
        answered = engine.sample(
            with_prompts(asked, [self.explain_prompt(row) for row in asked]), samples_per_prompt=1
        )
        kept = self._kept(answered, asked, engine)
        kept[len(groups) :] = False
        ids, mask = answered.output["completion_ids"], answered.output["completion_mask"]
        places = torch.tensor(rows, device=device)[kept]
        n_kept = engine.reducer.total(kept.sum().double()[None])[0].clamp(min=1)
        placed = {
            IDS: ids.new_zeros(sampled.n_rows, ids.size(1)),
            MASK: mask.new_zeros(sampled.n_rows, mask.size(1)),
            SHARE: torch.zeros(sampled.n_rows, device=device),
        }
        placed[IDS][places] = ids[kept]
        placed[MASK][places] = mask[kept]
        placed[SHARE][places] = (1 / n_kept).float()
        return placed

    def _wanted(self, sampled: Sampled, engine: Engine) -> list[int]:
        groups = range(sampled.n_rows // sampled.group_size)
        total = combined_rewards(sampled.rewards).value
        labels = whole_batch(sampled).groups
        unsolved = unsolved_groups(total, labels, reducer=engine.reducer)
        if not self.only_unsolved:
            return list(groups)
        return [group for group in groups if bool(unsolved[group * sampled.group_size])]

    def _kept(self, answered: Sampled, asked: Sequence[Row], engine: Engine) -> RowMask:
        """Return True for explanations that are whole and right."""
        whole = answered.mask.any(1)
        if self.keep is None:
            return (combined_rewards(answered.rewards).value > 0) & whole
        texts = [
            engine.decode(ids[mask].tolist())
            for ids, mask in zip(answered.output["completion_ids"], answered.mask, strict=True)
        ]
        right = [self.keep(row, text) for row, text in zip(asked, texts, strict=True)]
        return torch.tensor(right, device=whole.device) & whole
