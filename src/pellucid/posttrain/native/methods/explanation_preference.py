"""Preferences for the policy's own explanation of the right answer over its own wrong response."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Int
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.native.methods.explaining import Explaining, explain, successes
from pellucid.posttrain.native.methods.method import Collected
from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.responses import Response, respond
from pellucid.posttrain.native.rollouts import Rollout, assembled
from pellucid.posttrain.native.scoring import token_log_probs
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.teaching import Texts, as_texts
from pellucid.posttrain.objectives import (
    Batch,
    Prepared,
    Recipe,
    Recorded,
    policy_loss,
    preference_losses,
    prepare,
)
from pellucid.posttrain.tasks.example import Example
from pellucid.types_torch import RowValues, TokenValues


@dataclass(frozen=True)
class Pairs:
    """The preference loss, mean over pairs; satisfies `Auxiliary`.

    Args:
        chosen: The preferred texts.
        rejected: The others, row by row.
        reference_chosen: Log-likelihood of the former under the reference model.
        reference_rejected: Of the latter.
        beta: How strongly the policy is held to the reference.
        per_token: Divide log-likelihoods by their number of tokens.
        per_row: 1 divided by the number of pairs of all processes.
    """

    chosen: Texts
    rejected: Texts
    reference_chosen: RowValues
    reference_rejected: RowValues
    beta: float
    per_token: bool
    per_row: float

    @property
    def n_units(self) -> int:
        """How many pairs there are."""
        return len(self.chosen.ids)

    def share(self, session: Session, units: Int[Tensor, " units"]) -> Recorded:
        """Return the share of the loss that some pairs have."""
        losses, ledger = preference_losses(
            likelihoods(session, session.model, self.chosen.select(units), self.per_token),
            likelihoods(session, session.model, self.rejected.select(units), self.per_token),
            self.reference_chosen[units],
            self.reference_rejected[units],
            beta=self.beta,
        )
        return Recorded(self.per_row * losses.sum(), ledger)


@dataclass(frozen=True)
class ExplanationPreference(Explaining):
    """Learns to prefer an explanation of the right answer to a wrong response of the policy's own.

    Both stand behind the plain prompt. Online with `explain_with` `current`; offline, with
    explanations of the initial model, with `initial`; the expert's steps are preferred with
    `target` `expert`. There is no policy-gradient term.

    Args:
        beta: How strongly the policy is held to the model that training started from.
        per_token: Divide log-likelihoods by their number of tokens; the source does not.

    Raises:
        InputError: β is not positive.

    Source: Zhou et al. 2025 (ExPO), ExP-DPO; Rafailov et al. 2023.
    """

    beta: float = 0.1
    per_token: bool = False
    name: ClassVar[str] = "explanation-preference"
    needs_reference: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.beta < float("inf"):
            raise InputError(f"beta must be positive, got {self.beta}")

    def collect(self, examples: Sequence[Example], session: Session) -> Collected:
        """Sample responses and explanations, and pair them."""
        responses = respond(session, examples, purpose="plain")
        found = explain(self, session, responses)
        n_generated = sum(response.n_written for response in responses) + found.n_generated
        pairs = _pairs(session, found.kept, responses)
        facts = {
            "n_explained": float(len(found.kept)),
            "n_asked": float(found.n_asked),
            "n_pairs": float(len(pairs)),
        }
        rollout = assembled(session, responses, n_generated=n_generated, facts=facts)
        return Collected(
            dataclasses.replace(rollout, further=found.kept), self._loss_of(session, pairs)
        )

    def prepare(self, rollout: Rollout, session: Session) -> Prepared:
        """Return weights 0: the responses themselves teach nothing."""
        prepared = prepare(rollout.batch, session.recipe, reducer=session.reducer)
        return dataclasses.replace(prepared, weights=torch.zeros_like(prepared.weights))

    def loss(
        self, log_probs: TokenValues, batch: Batch, prepared: Prepared, recipe: Recipe
    ) -> Recorded:
        """Return the recipe's loss, which no row has a weight in."""
        return policy_loss(log_probs, batch, prepared, recipe)

    def _loss_of(
        self, session: Session, pairs: Sequence[tuple[Response, Response]]
    ) -> Pairs | None:
        n_pairs = float(session.reducer.total(torch.tensor(float(len(pairs)))))
        if not pairs:
            return None
        chosen = as_texts(session, [pair[0] for pair in pairs])
        rejected = as_texts(session, [pair[1] for pair in pairs])
        reference = session.needed_reference()
        with torch.no_grad():
            return Pairs(
                chosen,
                rejected,
                likelihoods(session, reference, chosen, self.per_token),
                likelihoods(session, reference, rejected, self.per_token),
                self.beta,
                self.per_token,
                1 / n_pairs,
            )


def likelihoods(session: Session, model: LanguageModel, texts: Texts, per_token: bool) -> RowValues:
    """Return the log-likelihood of each text under a model, per token if wanted."""
    log_probs = token_log_probs(
        model,
        texts.prompts.ids,
        texts.prompts.mask,
        texts.ids,
        texts.mask,
        temperature=session.sampling.temperature,
    ).log_probs
    return log_probs.sum(1) / texts.mask.sum(1) if per_token else log_probs.sum(1)


def _pairs(
    session: Session, kept: Sequence[Response], responses: Sequence[Response]
) -> list[tuple[Response, Response]]:
    """Return each explanation with the first wrong response of its group that was not cut off."""
    right = successes(session, responses).tolist()
    wrong: dict[int, Response] = {}
    for response, success in zip(responses, right, strict=True):
        if success <= 0 and response.finished:
            wrong.setdefault(response.group, response)
    return [(one, wrong[one.group]) for one in kept if one.group in wrong]
