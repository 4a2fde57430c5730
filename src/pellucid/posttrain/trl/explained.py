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
from pellucid.posttrain.trl.batches import Completed, Sampled, Taught, whole_batch, with_objective
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
        answer_marker: An explanation is cut where this text first stands, and what follows it is
            replaced by `answer_tail`; empty to leave explanations as they are.
        answer_tail: The end of the text that is taught, from the marker on, for a row; the marker
            and the row's `answer` if None.
        keep: Whether an explanation, uncut, is learned from, by row and text; None for those that
            are right by themselves. Explanations that were cut off are never kept.
        only_unsolved: Only prompts without a success.
        per_token: Divide the log-likelihood by the number of tokens.

    Raises:
        InputError: If β is negative.

    Source: Zhou et al. 2025 (ExPO), ExP-GRPO; see `objectives.explanation_losses`.
    """

    explain_prompt: Callable[[Row], Any]
    beta: float = 0.04
    answer_marker: str = "####"
    answer_tail: Callable[[Row], str] | None = None
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
        further, taught = self._explanations(sampled, inputs, engine)
        return Completed({**completed, **further}, sampled, taught)

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
    ) -> tuple[dict[str, Tensor], tuple[Taught, ...]]:
        """Return one explanation beside the first row of each group that needs one."""
        size, device = sampled.group_size, sampled.mask.device
        groups = self._wanted(sampled, engine)
        n_groups = most_of_any(len(groups), engine.reducer, device)
        if self.beta == 0 or not n_groups:
            return {}, ()
        rows = [group * size for group in chosen_groups(groups, n_groups)]
        asked = [inputs[row] for row in rows]
        prompts = [self.explain_prompt(row) for row in asked]
        answered = engine.sample(with_prompts(asked, prompts), samples_per_prompt=1)
        texts = [
            engine.decode(ids[mask].tolist())
            for ids, mask in zip(answered.output["completion_ids"], answered.mask, strict=True)
        ]
        kept = self._kept(answered, asked, texts, engine)
        kept[len(groups) :] = False
        n_kept = engine.reducer.total(kept.sum().double()[None])[0].clamp(min=1)
        taught, ids = [], {}
        for place in torch.nonzero(kept)[:, 0].tolist():
            text = self._spliced(asked[place], texts[place])
            ids[rows[place]] = torch.tensor(engine.encode(text), device=device)
            taught.append(
                Taught(
                    row=rows[place],
                    prompt=prompts[place],
                    text=text,
                    rewards={name: float(raw[place]) for name, raw in answered.raw.items()},
                    total=float(combined_rewards(answered.rewards).value[place]),
                    n_tokens=len(ids[rows[place]]),
                )
            )
        return _placed(ids, sampled, weight=float(1 / n_kept)), tuple(taught)

    def _wanted(self, sampled: Sampled, engine: Engine) -> list[int]:
        groups = range(sampled.n_rows // sampled.group_size)
        success, labels = engine.success(sampled), whole_batch(sampled).groups
        unsolved = unsolved_groups(success, labels, reducer=engine.reducer)
        if not self.only_unsolved:
            return list(groups)
        return [group for group in groups if bool(unsolved[group * sampled.group_size])]

    def _kept(
        self, answered: Sampled, asked: Sequence[Row], texts: Sequence[str], engine: Engine
    ) -> RowMask:
        """Return True for explanations that are whole, say something and are right."""
        said = [bool(self._own(text).strip()) for text in texts]
        if self.keep is None:
            right = engine.success(answered) > 0
        else:
            chosen = [self.keep(row, text) for row, text in zip(asked, texts, strict=True)]
            right = torch.tensor(chosen, device=answered.mask.device)
        return right & engine.finished(answered) & torch.tensor(said, device=right.device)

    def _own(self, text: str) -> str:
        """Return an explanation up to its own answer."""
        return text.partition(self.answer_marker)[0] if self.answer_marker else text

    def _spliced(self, row: Row, text: str) -> str:
        """Return an explanation with the canonical answer after it: it stands there once."""
        if not self.answer_marker:
            return text
        tail = self.answer_marker + str(row["answer"])
        return self._own(text) + (tail if self.answer_tail is None else self.answer_tail(row))


def _placed(ids: Mapping[int, Tensor], sampled: Sampled, *, weight: float) -> dict[str, Tensor]:
    """Return the texts of some rows, with as many rows as the batch."""
    device = sampled.mask.device
    # without any, one column is left: every process passes as many tensors through the model
    width = max(map(len, ids.values()), default=1)
    placed = {
        IDS: torch.zeros(sampled.n_rows, width, dtype=torch.long, device=device),
        MASK: torch.zeros(sampled.n_rows, width, dtype=torch.long, device=device),
        SHARE: torch.zeros(sampled.n_rows, device=device),
    }
    for row, text in ids.items():
        placed[IDS][row, : len(text)] = text
        placed[MASK][row, : len(text)] = 1
        placed[SHARE][row] = weight
    return placed
