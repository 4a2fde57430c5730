"""Credit of steps, weighted by how sure the policy was when it took them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.native.methods.method import Collected
from pellucid.posttrain.native.responses import Response, respond
from pellucid.posttrain.native.rollouts import Rollout, assembled, rescored
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.turns import play
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
from pellucid.posttrain.tasks.example import Example
from pellucid.types_torch import RowValues, StepValues, TokenValues


@dataclass(frozen=True)
class EntropyModulation:
    """Follows the recipe, with advantages weighted step by step by the policy's entropy.

    A step is a turn in an environment, or a part of a response that ends with a separator. Its
    entropy is the mean over its own tokens, at the temperature of training.

    Args:
        scaling: k; confident steps count for more. 0 for the bonus alone.
        clarity: k', of the bonus.
        bonus: ζ, for steps that lead to a step taken with confidence. 0 for the weights alone.
        turn_separator: One token, as text, that ends a step; None for turns of an environment.
        shuffled: Permute the entropies over the steps of the batch: a control that has the same
            weights on the wrong steps.

    Raises:
        InputError: k, k' or ζ is negative or not finite.

    Source: Wang et al. 2025 (EMPG); see `entropy_modulated_advantages`.
    """

    scaling: float = 1.0
    clarity: float = 1.0
    bonus: float = 0.05
    turn_separator: str | None = None
    shuffled: bool = False
    name: ClassVar[str] = "entropy-modulation"
    needs_reference: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("scaling", "clarity", "bonus"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{name} must be 0 or more, got {getattr(self, name)}")

    def collect(self, examples: Sequence[Example], session: Session) -> Collected:
        """Sample responses and cut them into steps."""
        if session.environment is None:
            responses = respond(session, examples, purpose="plain")
        else:
            responses = play(session, examples, session.environment, purpose="plain")
        n_generated = sum(response.n_written for response in responses)
        if self.turn_separator is not None:
            responses = _cut_into_steps(session, responses, self.turn_separator)
        n_steps = sum(int(r.turns.max()) + 1 for r in responses) / len(responses)
        facts = {"mean_steps": n_steps}
        return Collected(assembled(session, responses, n_generated=n_generated, facts=facts))

    def prepare(self, rollout: Rollout, session: Session) -> Prepared:
        """Return the recipe's weights and the modulated advantages."""
        prepared = prepare(rollout.batch, session.recipe, reducer=session.reducer)
        mask = prepared.weights != 0
        entropies = rollout.batch.entropies
        if entropies is None:
            entropies = rescored(session, rollout, session.model)[1]
        of_steps = step_means(entropies, rollout.batch.turns, mask)
        if self.shuffled:
            of_steps = shuffled_steps(of_steps, session.generator("shuffle"))
        base = row_values(prepared.advantages, mask)
        modulated, ledger = entropy_modulated_advantages(
            base,
            of_steps,
            scaling=self.scaling,
            clarity=self.clarity,
            bonus=self.bonus,
            reducer=session.reducer,
        )
        advantages = steps_to_tokens(modulated, rollout.batch.turns, mask)
        weighted = steps_to_tokens(base[:, None] * ledger["weights"], rollout.batch.turns, mask)
        facts = {
            **{f"step/{name}": part for name, part in ledger.items()},
            "bonus_share": _share(advantages - weighted, weighted),
        }
        return dataclasses.replace(prepared, advantages=advantages, ledger=prepared.ledger | facts)

    def loss(
        self, log_probs: TokenValues, batch: Batch, prepared: Prepared, recipe: Recipe
    ) -> Recorded:
        """Return the recipe's loss."""
        return policy_loss(log_probs, batch, prepared, recipe)


def row_values(values: TokenValues, mask: Tensor) -> RowValues:
    """Return the number that a row has on each of its selected tokens; 0 without any."""
    first = mask.int().argmax(1, keepdim=True)
    return torch.where(mask.any(1), values.gather(1, first)[:, 0], 0.0)


def shuffled_steps(of_steps: StepValues, generator: torch.Generator) -> StepValues:
    """Return the numbers of steps permuted over all steps that there are."""
    present = ~torch.isnan(of_steps)
    values = of_steps[present]
    order = torch.randperm(len(values), generator=generator).to(values.device)
    result = of_steps.clone()
    result[present] = values[order]
    return result


def _cut_into_steps(
    session: Session, responses: Sequence[Response], separator: str
) -> list[Response]:
    """Return the responses with a new step after each separator."""
    ids = session.tokenizer.encode(separator)
    if len(ids) != 1:
        raise InputError(
            f"the turn separator {separator!r} is {len(ids)} tokens, and must be one",
            hint="use a text that the tokenizer has as one token",
        )
    cut = []
    for response in responses:
        ends = (response.ids == ids[0]) & (response.turns >= 0)
        steps = ends.cumsum(0) - ends.long()
        turns = torch.where(response.turns >= 0, steps, -1)
        cut.append(dataclasses.replace(response, turns=turns))
    return cut


def _share(part: TokenValues, rest: TokenValues) -> Tensor:
    """Return how much of the advantages' absolute sum one part has; 0 if there is nothing."""
    whole = part.abs().sum() + rest.abs().sum()
    return torch.where(whole > 0, part.abs().sum() / whole.clamp(min=1e-300), 0.0)
