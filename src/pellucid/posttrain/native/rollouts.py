"""Responses as one batch of tensors, with the prompts that they are learned behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.responses import Response
from pellucid.posttrain.native.sampling import pad_left
from pellucid.posttrain.native.scoring import token_log_probs
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Batch
from pellucid.types_torch import RowMask, TokenMask, TokenValues


@dataclass(frozen=True)
class Prompts:
    """Prompts of a batch, padded on the left.

    Args:
        ids: Shape (rows, prompt tokens).
        mask: Shape (rows, prompt tokens); True for real tokens.
    """

    ids: Int[Tensor, "rows prompt"]
    mask: Bool[Tensor, "rows prompt"]

    def select(self, rows: Int[Tensor, " selected"]) -> "Prompts":
        """Return some of the rows."""
        return Prompts(self.ids[rows], self.mask[rows])


@dataclass(frozen=True)
class Rollout:
    """What one update learns from.

    Args:
        responses: One per row of the batch.
        batch: What the objectives read; its rewards are weighted, and NaN on rows not used.
        prompts: What each row is scored behind.
        attended: Shape (rows, tokens); True for all tokens of a response, the policy's or not.
        finished: Shape (rows,); False where a response was cut off.
        n_generated: Tokens that were sampled for this update, rejected responses included.
        facts: What the method tells of itself, by name.
        further: Texts that are learned from outside the batch.
    """

    responses: tuple[Response, ...]
    batch: Batch
    prompts: Prompts
    attended: TokenMask
    finished: RowMask
    n_generated: int
    facts: Mapping[str, float] = field(default_factory=dict)
    further: tuple[Response, ...] = ()


def padded_prompts(session: Session, texts: Sequence[str]) -> Prompts:
    """Return prompts as tokens, padded on the left."""
    tokenizer = session.tokenizer
    encoded = {text: tokenizer.encode(text) for text in dict.fromkeys(texts)}
    return Prompts(
        *pad_left(
            [encoded[text] for text in texts], pad_id=tokenizer.pad_id, device=session.model.device
        )
    )


def assembled(
    session: Session,
    responses: Sequence[Response],
    *,
    n_generated: int,
    facts: Mapping[str, float] | None = None,
) -> Rollout:
    """Return the batch of responses, with reference log-probabilities if the recipe needs them.

    Args:
        session: The update.
        responses: At least one.
        n_generated: Tokens that were sampled to get them.
        facts: What the method tells of itself.
    """
    device = session.model.device
    ids, turns, log_probs = (
        pad_sequence([getattr(r, name) for r in responses], True, padding).to(device)
        for name, padding in (("ids", session.tokenizer.pad_id), ("turns", -1), ("log_probs", 0.0))
    )
    lengths = torch.tensor([len(r.ids) for r in responses], device=device)
    attended = torch.arange(ids.shape[1], device=device)[None] < lengths[:, None]
    finished = torch.tensor([r.finished for r in responses], device=device)
    mask = turns >= 0
    if session.mask_cut:
        mask = mask & finished[:, None]
    batch = Batch(
        ids=ids,
        mask=mask,
        turns=turns,
        groups=torch.tensor([r.group for r in responses], device=device),
        rewards=_rewards(session, responses, device),
        behaviour_log_probs=log_probs,
        contexts=torch.tensor([int(r.context) for r in responses], device=device),
    )
    prompts = padded_prompts(session, [r.scored_prompt for r in responses])
    rollout = Rollout(
        tuple(responses), batch, prompts, attended, finished, n_generated, dict(facts or {})
    )
    return _with_log_probs(session, rollout)


def rescored(
    session: Session, rollout: Rollout, model: LanguageModel
) -> tuple[TokenValues, TokenValues]:
    """Return log-probabilities and entropies of a batch under a model, without gradient."""
    rows = torch.arange(len(rollout.batch.ids), device=rollout.batch.ids.device)
    parts = []
    for some in torch.split(rows, session.rows_at_once or len(rows)):
        prompts = rollout.prompts.select(some)
        with torch.no_grad():
            parts.append(
                token_log_probs(
                    model,
                    prompts.ids,
                    prompts.mask,
                    rollout.batch.ids[some],
                    rollout.attended[some],
                    temperature=session.sampling.temperature,
                )
            )
    return torch.cat([part.log_probs for part in parts]), torch.cat([p.entropies for p in parts])


def _rewards(
    session: Session, responses: Sequence[Response], device: torch.device
) -> dict[str, Tensor]:
    """Return the weighted components; their sum alone where a missing one is skipped."""
    used = torch.tensor([r.used for r in responses])

    def column(values: list[float]) -> Tensor:
        numbers = torch.tensor(values, dtype=torch.float64)
        return torch.where(used, numbers, torch.nan).to(device)

    if session.rewards.missing == "skip":
        return {"total": column([r.total for r in responses])}
    return {
        name: column([weight * r.rewards[name] for r in responses])
        for name, weight in session.rewards.learned.items()
    }


def _with_log_probs(session: Session, rollout: Rollout) -> Rollout:
    """Add what is not known from sampling.

    The sampler's log-probabilities are those of the distribution that it drew from. With top-k or
    top-p that is not the policy, so the ratio's denominator is computed afresh.
    """
    batch = rollout.batch
    if session.sampling.truncated:
        old, entropies = rescored(session, rollout, session.model)
        batch = replace(batch, old_log_probs=old, entropies=entropies)
    if session.recipe.kl:
        reference, _ = rescored(session, rollout, session.needed_reference())
        batch = replace(batch, reference_log_probs=reference)
    return replace(rollout, batch=batch)
