"""What of a batch goes into the record of a run."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from pellucid.posttrain.native.history import row_advantages
from pellucid.posttrain.native.optimising import Pass
from pellucid.posttrain.native.responses import Response
from pellucid.posttrain.native.rollouts import Rollout
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Context, Prepared
from pellucid.posttrain.recording.keeping import Kept
from pellucid.posttrain.recording.rows import (
    ContextName,
    EvaluationRow,
    SampleRow,
    State,
    TokenRow,
    UpdateRow,
)
from pellucid.posttrain.tasks.example import Example

_CONTEXTS: dict[Context, ContextName] = {
    Context.PLAIN: "plain",
    Context.HINTED: "hinted",
    Context.ANSWERED: "answered",
}


class Recorder(Protocol):
    """What keeps the record of a run; `recording.RunWriter` is one."""

    def choose(self, step: int, prompt_ids: Sequence[str]) -> Kept:
        """Return which rows of a batch are to be recorded."""

    def record_update(
        self,
        update: UpdateRow,
        samples: Sequence[SampleRow] = (),
        tokens: Sequence[TokenRow] = (),
    ) -> None:
        """Store a step."""

    def record_evaluation(self, rows: Sequence[EvaluationRow]) -> None:
        """Store an evaluation."""

    def rewind(self, step: int) -> None:
        """Remove what was recorded after a step."""

    def set_state(self, state: State, diagnosis: str = "") -> None:
        """Store what became of the run."""


def prompt_id(example: Example) -> str:
    """Return the name of an example in records: its group, and a digest of its prompt."""
    digest = hashlib.sha256(example.prompt.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{example.group_id}#{digest[:8]}"


def record(
    recorder: Recorder,
    session: Session,
    row: UpdateRow,
    rollout: Rollout,
    prepared: Prepared,
    last: Pass,
) -> None:
    """Give a recorder the row of an update with the samples and tokens that it asks for."""
    kept = recorder.choose(session.update, [prompt_id(r.example) for r in rollout.responses])
    advantages = row_advantages(prepared)
    samples = [
        _sample(session, index, rollout.responses[index], float(advantages[index]))
        for index in kept.samples
    ]
    shown = {rollout.responses[index].example.prompt for index in kept.samples}
    samples += [
        _sample(session, len(rollout.responses) + place, response, math.nan)
        for place, response in enumerate(rollout.further)
        if response.example.prompt in shown
    ]
    tokens = [_tokens(session, index, rollout, prepared, last) for index in kept.tokens]
    recorder.record_update(row, samples, tokens)


def _sample(session: Session, index: int, response: Response, advantage: float) -> SampleRow:
    gold = session.rewards.gold
    right = math.nan if gold is None else response.rewards[gold]
    return SampleRow(
        step=session.update,
        index=index,
        prompt_id=prompt_id(response.example),
        prompt=response.prompt,
        completion=response.text,
        scored_prompt=None if response.scored_prompt == response.prompt else response.scored_prompt,
        context=_CONTEXTS[response.context],
        rewards=response.rewards,
        total=response.total,
        advantage=advantage,
        gold=response.example.answer,
        correct=None if math.isnan(right) else right > 0,
        length=response.n_written,
        cut=not response.finished,
        unscored_reason=_reason(response),
    )


def _reason(response: Response) -> str | None:
    if response.failure:
        return response.failure
    missing = [name for name, reward in response.rewards.items() if math.isnan(reward)]
    return f"no score from {', '.join(missing)}" if missing else None


def _tokens(
    session: Session, index: int, rollout: Rollout, prepared: Prepared, last: Pass
) -> TokenRow:
    length = len(rollout.responses[index].ids)

    def numbers(values: Tensor | None) -> tuple[Any, ...] | None:
        return None if values is None else tuple(values[index, :length].tolist())

    return TokenRow(
        step=session.update,
        index=index,
        tokens=tuple(
            session.tokenizer.token(token) for token in rollout.responses[index].ids.tolist()
        ),
        log_probs=numbers(rollout.batch.behaviour_log_probs),
        entropies=numbers(last.entropies),
        advantages=numbers(prepared.advantages),
        ratios=numbers(last.ledger.get("ratios")),
        clipped=numbers(last.ledger.get("clipped")),
        counted=numbers(prepared.weights != 0),
        pushes=numbers(pushes_of(prepared, last)),
    )


def pushes_of(prepared: Prepared, last: Pass) -> Tensor | None:
    """Return how each token was pushed: advantage times ratio, after clipping and masks.

    Where the ratio is a constant weight (CISPO), that weight stands in its place; elsewhere it is
    what is left of the loss without the token's weight and with the sign turned.
    """
    counted = prepared.weights != 0
    if "weights" in last.ledger:
        return torch.where(counted, prepared.advantages * last.ledger["weights"], 0.0)
    shares = last.ledger.get("contributions")
    if shares is None:
        return None
    return -shares / torch.where(counted, prepared.weights, 1.0)
