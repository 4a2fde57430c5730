"""Entropy-modulated advantages of steps in TRL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain.objectives import (
    Batch,
    Prepared,
    Recipe,
    Recorded,
    entropy_modulated_advantages,
    policy_loss,
    prepare,
    step_means,
    steps_to_tokens,
)
from pellucid.posttrain.trl.batches import Completed, Sampled, turn_labels, with_objective
from pellucid.posttrain.trl.method import Engine, Row, first_of, scored_batch
from pellucid.types_torch import TokenLabels, TokenValues

ENTROPIES = "entropies_before"
"""Key of the entropies of the policy before the update."""


@dataclass(frozen=True)
class EntropyModulation:
    """Weights each step's advantage by how sure the policy was; TRL calls (rows, tokens) legal.

    Args:
        scaling: k.
        clarity: k'.
        bonus: ζ.
        step_end: Ids of the tokens that end a step within a turn, see `ending_tokens`; None if a
            step is a turn, which is a run of the policy's own tokens between those of tools.

    Source: Wang et al. 2025 (EMPG); see `objectives.entropy_modulated_advantages`.
    """

    scaling: float = 1.0
    clarity: float = 1.0
    bonus: float = 0.05
    step_end: tuple[int, ...] | None = None
    name: ClassVar[str] = "entropy-modulation"

    def __post_init__(self) -> None:
        if self.step_end is not None and min(self.step_end, default=-1) < 0:
            raise InputError(f"step_end must hold ids of tokens, 0 or more, got {self.step_end}")

    def check(self, engine: Engine) -> None:
        """Refuse one ratio per response: the steps of a response would be clipped together."""
        if engine.recipe.loss == "sequence_clip":
            raise CapabilityError(
                "entropy modulation gives every step its own advantage, and 'sequence_clip' clips "
                "whole responses",
                hint="use the loss 'token_clip'",
            )

    def complete(self, sampled: Sampled, inputs: Sequence[Row], engine: Engine) -> Completed:
        """Return one advantage per token, equal within a step."""
        output = sampled.output
        turns = self._steps(sampled)
        batch, total = scored_batch(sampled, engine, turns=turns)
        prepared = prepare(batch, engine.recipe, reducer=engine.reducer)
        with torch.no_grad():
            entropies = engine.score(
                engine.policy,
                prompt_ids=output["prompt_ids"],
                prompt_mask=output["prompt_mask"],
                ids=output["completion_ids"],
                mask=output["completion_mask"],
            ).entropies
        counted = prepared.weights != 0
        modulated, _ = entropy_modulated_advantages(
            first_of(prepared.advantages, counted),
            step_means(entropies, turns, counted),
            scaling=self.scaling,
            clarity=self.clarity,
            bonus=self.bonus,
            reducer=engine.reducer,
        )
        advantages = steps_to_tokens(modulated, turns, counted)
        shaped = Prepared(advantages, prepared.weights, prepared.ledger)
        completed = with_objective(sampled, batch, shaped, total, engine.reducer)
        completed[ENTROPIES] = entropies
        return Completed(completed, sampled)

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
        """Return None."""
        return None

    def _steps(self, sampled: Sampled) -> TokenLabels:
        if self.step_end is None:
            return turn_labels(sampled.mask)
        ids = sampled.output["completion_ids"]
        ends = torch.tensor(self.step_end, device=ids.device)
        return turn_labels(sampled.mask, torch.isin(ids, ends))


def ending_tokens(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Return the tokens that end with a text: merged tokens such as `.` and a line end too.

    Args:
        tokenizer: Of transformers.
        text: What ends a step.

    Raises:
        InputError: The text is empty, or no token ends with it.
    """
    if not text:
        raise InputError("the text that ends a step must not be empty")
    words = tokenizer.batch_decode([[number] for number in range(len(tokenizer))])
    found = tuple(number for number, word in enumerate(words) if word.endswith(text))
    if not found:
        raise InputError(f"no token of the model ends with {text!r:.40}")
    return found
