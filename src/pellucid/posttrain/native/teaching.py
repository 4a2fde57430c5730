"""Texts that are made more likely behind the plain prompt, whoever wrote them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int
from torch import Tensor

from pellucid.posttrain.native.responses import Response
from pellucid.posttrain.native.rollouts import Prompts, padded_prompts
from pellucid.posttrain.native.sampling import pad_right
from pellucid.posttrain.native.scoring import token_log_probs
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Recorded, explanation_losses
from pellucid.types_torch import TokenLabels, TokenMask


@dataclass(frozen=True)
class Texts:
    """Given texts behind given prompts.

    Args:
        prompts: What they stand behind.
        ids: Shape (rows, tokens).
        mask: Their real tokens.
    """

    prompts: Prompts
    ids: TokenLabels
    mask: TokenMask

    def select(self, rows: Int[Tensor, " selected"]) -> "Texts":
        """Return some of the rows."""
        return Texts(self.prompts.select(rows), self.ids[rows], self.mask[rows])


@dataclass(frozen=True)
class TaughtTexts:
    """The loss β · mean over texts of -log π(text | plain prompt); satisfies `Auxiliary`.

    Args:
        texts: What is taught.
        per_row: β divided by the number of texts of all processes.
        per_token: Divide each log-likelihood by its number of tokens.
    """

    texts: Texts
    per_row: float
    per_token: bool = True

    @property
    def n_units(self) -> int:
        """How many texts there are."""
        return len(self.texts.ids)

    def share(self, session: Session, units: Int[Tensor, " units"]) -> Recorded:
        """Return the share of the loss that some texts have."""
        texts = self.texts.select(units)
        log_probs = token_log_probs(
            session.model,
            texts.prompts.ids,
            texts.prompts.mask,
            texts.ids,
            texts.mask,
            temperature=session.sampling.temperature,
        ).log_probs
        losses, ledger = explanation_losses(log_probs, texts.mask, per_token=self.per_token)
        return Recorded(self.per_row * losses.sum(), {**ledger, "losses": losses.detach()})


def taught(
    session: Session, responses: Sequence[Response], *, weight: float, per_token: bool = True
) -> TaughtTexts | None:
    """Return the loss that teaches responses behind their scored prompts; None for none anywhere.

    Args:
        session: The update.
        responses: Whose tokens are taught.
        weight: β, of the mean over all processes.
        per_token: See `TaughtTexts`.
    """
    n_rows = float(session.reducer.total(torch.tensor(float(len(responses)))))
    if not responses or not weight:
        return None
    return TaughtTexts(as_texts(session, responses), weight / n_rows, per_token)


def as_texts(session: Session, responses: Sequence[Response]) -> Texts:
    """Return responses behind the prompts that they are scored behind."""
    prompts = padded_prompts(session, [r.scored_prompt for r in responses])
    ids = [r.ids.tolist() for r in responses]
    return Texts(
        prompts, *pad_right(ids, pad_id=session.tokenizer.pad_id, device=session.model.device)
    )


def rewritten(session: Session, response: Response, text: str) -> Response:
    """Return a response with other words, ended by the end token; its log-probabilities go."""
    tokenizer = session.tokenizer
    ids = torch.tensor([*tokenizer.encode(text), tokenizer.eos_id])
    return replace(
        response,
        ids=ids,
        turns=torch.zeros_like(ids),
        log_probs=torch.full((len(ids),), torch.nan),
        finished=True,
        text=text,
    )
