"""What a method adds to TRL's training, and what it may ask of the trainer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from pellucid.posttrain.objectives import (
    Batch,
    Prepared,
    Recipe,
    Recorded,
    Reducer,
    combined_rewards,
    policy_loss,
    prepare,
)
from pellucid.posttrain.trl.batches import Completed, Sampled, whole_batch, with_objective
from pellucid.posttrain.trl.internals import Scored
from pellucid.types_torch import RowLabels, RowMask, RowValues, TokenLabels, TokenValues

Row = Mapping[str, Any]
"""One row of the data set: `prompt` and further columns."""


class Engine(Protocol):
    """The trainer as a method sees it."""

    @property
    def recipe(self) -> Recipe:
        """Advantage, loss and reduction."""

    @property
    def reducer(self) -> Reducer:
        """Brings together what the processes hold."""

    @property
    def options(self) -> Any:
        """The trainer's `GRPOConfig`."""

    @property
    def policy(self) -> Any:
        """The model that is trained, as TRL wraps it."""

    def sample(self, inputs: Sequence[Row], *, samples_per_prompt: int) -> Sampled:
        """Sample and score once more, beside TRL's logs; every process with as many rows."""

    def score(
        self,
        model: Any,
        *,
        prompt_ids: TokenLabels,
        prompt_mask: TokenLabels,
        ids: TokenLabels,
        mask: TokenLabels,
    ) -> Scored:
        """Return log-probabilities and entropies of completions under any prompts."""

    def success(self, sampled: Sampled) -> RowValues:
        """Return what says of each row whether it is right (above 0); NaN where nothing does."""

    def finished(self, sampled: Sampled) -> RowMask:
        """Return True for completions that the policy ended itself."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a completion."""

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a completion with this text, the end included."""


class Method(Protocol):
    """A way to train: which texts are sampled and what is learned of them."""

    name: ClassVar[str]

    def check(self, engine: Engine) -> None:
        """Refuse settings that the method would silently go wrong with.

        Raises:
            CapabilityError: With what to change.
        """

    def complete(self, sampled: Sampled, inputs: Sequence[Row], engine: Engine) -> Completed:
        """Return the batch with all statistics finished; see `with_objective`."""

    def loss(
        self,
        log_probs: TokenValues,
        batch: Batch,
        prepared: Prepared,
        recipe: Recipe,
        inputs: Mapping[str, Any],
    ) -> Recorded:
        """Return the share of the loss that a micro-batch has."""

    def further_loss(
        self, engine: Engine, model: Any, inputs: Mapping[str, Any]
    ) -> Recorded | None:
        """Return a share of a loss on other texts than the completions, None if there is none."""


@dataclass(frozen=True)
class Plain:
    """Follows the recipe on completions of the plain prompt.

    Args:
        filter_uniform: Learn nothing from groups whose rewards are all equal, and do not count
            their tokens.

    Source: Shao et al. 2024 (GRPO); Liu et al. 2025 (Lite PPO); Yu et al. 2025 (DAPO), whose
    dynamic sampling `filter_uniform` is without new prompts in place of the dropped ones.
    """

    filter_uniform: bool = False
    name: ClassVar[str] = "plain"

    def check(self, engine: Engine) -> None:
        """Take any settings."""

    def complete(self, sampled: Sampled, inputs: Sequence[Row], engine: Engine) -> Completed:
        """Return the recipe's advantages and weights."""
        batch, total = scored_batch(sampled, engine, filter_uniform=self.filter_uniform)
        prepared = prepare(batch, engine.recipe, reducer=engine.reducer)
        output = with_objective(sampled, batch, prepared, total, engine.reducer)
        return Completed(output, sampled)

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


def scored_batch(
    sampled: Sampled,
    engine: Engine,
    *,
    filter_uniform: bool = False,
    turns: TokenLabels | None = None,
) -> tuple[Batch, RowValues]:
    """Return this process's share of the batch, and each row's reward.

    With `filter_uniform`, rows of groups without a difference become unscorable: they then enter
    no statistic and no divisor.
    """
    total = combined_rewards(sampled.rewards).value
    batch = whole_batch(sampled, turns)
    if not filter_uniform:
        return batch, total
    uniform = uniform_groups(total, batch.groups, engine.reducer)
    kept = {
        name: reward.masked_fill(uniform, torch.nan) for name, reward in sampled.rewards.items()
    }
    batch = whole_batch(_with_rewards(sampled, kept), turns)
    return batch, total


def uniform_groups(total: RowValues, groups: RowLabels, reducer: Reducer) -> RowMask:
    """Return True for rows of groups whose scored rewards are all equal."""
    everyone, labels = reducer.gather(total), reducer.gather(groups)
    scored = ~torch.isnan(everyone)
    n_groups = int(labels.max()) + 1 if len(labels) else 0
    start = everyone.new_zeros(n_groups)
    low = start.scatter_reduce(0, labels[scored], everyone[scored], "amin", include_self=False)
    high = start.scatter_reduce(0, labels[scored], everyone[scored], "amax", include_self=False)
    return (low == high)[groups]


def first_of(values: TokenValues, mask: Tensor) -> RowValues:
    """Return each row's value on its first selected token, 0 for a row without one."""
    places = mask.int().argmax(1)
    found = values[torch.arange(len(values), device=values.device), places]
    return torch.where(mask.any(1), found, torch.zeros_like(found))


def _with_rewards(sampled: Sampled, rewards: Mapping[str, RowValues]) -> Sampled:
    return Sampled(
        sampled.output, rewards, sampled.group_size, sampled.rank, sampled.texts, sampled.raw
    )
