"""Policy gradients on responses to the plain prompt, with any recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid.posttrain.native.methods.method import Collected
from pellucid.posttrain.native.responses import respond, without_uniform_groups
from pellucid.posttrain.native.rollouts import Rollout, assembled
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.turns import play
from pellucid.posttrain.objectives import (
    Batch,
    Prepared,
    Recipe,
    Recorded,
    policy_loss,
    prepare,
)
from pellucid.posttrain.tasks.example import Example
from pellucid.types_torch import TokenValues


@dataclass(frozen=True)
class Plain:
    """Samples each prompt, scores the responses and follows the recipe.

    Args:
        filter_uniform: Learn nothing, and take no statistic, from groups whose rewards are all
            equal.

    Source: Liu et al. 2025 (Lite PPO); Shao et al. 2024 (GRPO); Yu et al. 2025 (DAPO), whose
    dynamic sampling `filter_uniform` is without new prompts in place of the dropped ones.
    """

    filter_uniform: bool = False
    name: ClassVar[str] = "plain"
    needs_reference: ClassVar[bool] = False

    def collect(self, examples: Sequence[Example], session: Session) -> Collected:
        """Sample a group of responses to each prompt, in the environment if there is one."""
        if session.environment is None:
            responses = respond(session, examples, purpose="plain")
        else:
            responses = play(session, examples, session.environment, purpose="plain")
        n_generated = sum(response.n_written for response in responses)
        if self.filter_uniform:
            responses = without_uniform_groups(responses)
        return Collected(assembled(session, responses, n_generated=n_generated))

    def prepare(self, rollout: Rollout, session: Session) -> Prepared:
        """Return the recipe's advantages and weights."""
        return prepare(rollout.batch, session.recipe, reducer=session.reducer)

    def loss(
        self, log_probs: TokenValues, batch: Batch, prepared: Prepared, recipe: Recipe
    ) -> Recorded:
        """Return the recipe's loss."""
        return policy_loss(log_probs, batch, prepared, recipe)
