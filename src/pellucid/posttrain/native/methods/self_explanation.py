"""Policy gradients, plus the likelihood of the policy's own explanations of the right answer."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.methods.explaining import Explained, Explaining, explain
from pellucid.posttrain.native.methods.method import Collected
from pellucid.posttrain.native.responses import respond
from pellucid.posttrain.native.rollouts import Rollout, assembled
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.teaching import taught
from pellucid.posttrain.objectives import Batch, Prepared, Recipe, Recorded, policy_loss, prepare
from pellucid.posttrain.tasks.example import Example
from pellucid.types_torch import TokenValues


@dataclass(frozen=True)
class SelfExplanation(Explaining):
    """Samples plain responses; where none is right, the policy explains the answer it is told.

    The explanation is sampled under the answer and learned behind the plain prompt: loss = recipe
    - β · mean log π(explanation, answer | question). It is not in the group and has no advantage.

    Args:
        beta: β; 0.04 was best in the source, 0.5 worse than nothing. 0 is the recipe alone.
        policy_term: False for the likelihood term alone.
        per_token: Divide each log-likelihood by its number of tokens, so that β does not depend
            on length; the source does not say.

    Raises:
        InputError: β is negative, or the policy term is off and β is 0.

    Source: Zhou et al. 2025 (ExPO), ExP-GRPO; with `policy_term=False` its ExP-SFT, with `target`
    `expert` its supervised term on the expert's steps.
    """

    beta: float = 0.04
    policy_term: bool = True
    per_token: bool = True
    name: ClassVar[str] = "self-explanation"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.beta < float("inf"):
            raise InputError(f"beta must be 0 or more, got {self.beta}")
        if not self.policy_term and not self.beta:
            raise InputError("without the policy term beta must be positive: nothing is learned")

    @property
    def needs_reference(self) -> bool:
        """Whether explanations come from the model that training started from."""
        return self.explain_with == "initial"

    def collect(self, examples: Sequence[Example], session: Session) -> Collected:
        """Sample responses, and explanations where they are all wrong."""
        responses = respond(session, examples, purpose="plain")
        n_generated = sum(response.n_written for response in responses)
        found = explain(self, session, responses) if self.beta else Explained((), 0, 0)
        facts = {"n_explained": float(len(found.kept)), "n_asked": float(found.n_asked)}
        rollout = assembled(
            session, responses, n_generated=n_generated + found.n_generated, facts=facts
        )
        return Collected(
            dataclasses.replace(rollout, further=found.kept),
            taught(session, found.kept, weight=self.beta, per_token=self.per_token),
        )

    def prepare(self, rollout: Rollout, session: Session) -> Prepared:
        """Return the recipe's advantages and weights; weights 0 without the policy term."""
        prepared = prepare(rollout.batch, session.recipe, reducer=session.reducer)
        if self.policy_term:
            return prepared
        return dataclasses.replace(prepared, weights=torch.zeros_like(prepared.weights))

    def loss(
        self, log_probs: TokenValues, batch: Batch, prepared: Prepared, recipe: Recipe
    ) -> Recorded:
        """Return the recipe's loss; the likelihood term is the auxiliary loss."""
        return policy_loss(log_probs, batch, prepared, recipe)
