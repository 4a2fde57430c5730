"""One step of the optimiser: a batch in micro-batches, the gradient, its norm, the new weights."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor, nn

from pellucid.posttrain.native.methods.method import Auxiliary, Method
from pellucid.posttrain.native.rollouts import Rollout
from pellucid.posttrain.native.scoring import token_log_probs
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Ledger, Prepared
from pellucid.types_torch import TokenValues

_PROBED = 1024
"""So many values of each tensor are compared to see whether a step changed anything."""


@dataclass(frozen=True)
class Pass:
    """What one pass over the batch found, before its step.

    Args:
        loss: Of the responses.
        auxiliary_loss: Of the further texts; 0 without any.
        log_probs: Shape (rows, tokens); of the policy before the step, 0 on rows without weight.
        entropies: Likewise, nats.
        ledger: Shape (rows, tokens) each: what the loss function recorded.
        auxiliary: What the auxiliary loss recorded, each unit's rows one after another.
    """

    loss: float
    auxiliary_loss: float
    log_probs: TokenValues
    entropies: TokenValues
    ledger: Ledger
    auxiliary: Ledger

    @property
    def finite(self) -> bool:
        """Whether both losses are."""
        return math.isfinite(self.loss) and math.isfinite(self.auxiliary_loss)


@dataclass(frozen=True)
class Step:
    """What a step did.

    Args:
        grad_norm: Of the whole gradient before it was clipped.
        changed: Whether any of the weights that were looked at changed.
        applied: False if loss or gradient was not finite in some process, and the weights were
            left alone.
        diverged: Whether the weights are not finite any more, or so large that the sum of their
            squares is not.
    """

    grad_norm: float
    changed: bool
    applied: bool
    diverged: bool = False


def accumulate(
    session: Session,
    method: Method,
    rollout: Rollout,
    prepared: Prepared,
    auxiliary: Auxiliary | None,
    *,
    rows_at_once: int | None,
) -> Pass:
    """Add the gradient of one pass over the batch to the weights' gradients.

    The result does not depend on how the batch is cut, up to rounding. Rows whose tokens all have
    weight 0 are not computed.

    Args:
        session: The update.
        method: Whose loss.
        rollout: The whole batch of this process.
        prepared: What the method made of it.
        auxiliary: Further texts.
        rows_at_once: Rows of a micro-batch; None for all at once.
    """
    batch = rollout.batch
    active = (prepared.weights != 0).any(1).nonzero()[:, 0]
    total, found = 0.0, _Gathered(batch.ids.shape, batch.ids.device)
    for rows in micro_batches(active, rows_at_once):
        whole = len(rows) == len(batch.ids)
        prompts = rollout.prompts if whole else rollout.prompts.select(rows)
        log_probs, entropies = token_log_probs(
            session.model,
            prompts.ids,
            prompts.mask,
            batch.ids if whole else batch.ids[rows],
            rollout.attended if whole else rollout.attended[rows],
            temperature=session.sampling.temperature,
        )
        loss, ledger = method.loss(
            log_probs,
            batch if whole else batch.select(rows),
            prepared if whole else prepared.select(rows),
            session.recipe,
        )
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
        found.add(rows, {**ledger, "log_probs": log_probs, "entropies": entropies})
    extra, recorded = _accumulate_auxiliary(session, auxiliary, rows_at_once)
    parts = found.parts
    zeros = torch.zeros(batch.ids.shape, device=batch.ids.device)
    return Pass(
        loss=total,
        auxiliary_loss=extra,
        log_probs=parts.pop("log_probs", zeros),
        entropies=parts.pop("entropies", zeros),
        ledger=parts,
        auxiliary=recorded,
    )


def take_step(
    session: Session, optimiser: torch.optim.Optimizer, *, max_grad_norm: float, finite: bool
) -> Step:
    """Sum gradients over processes, clip them and move the weights; clears the gradients.

    A gradient that is not finite is dropped: one such step would destroy the policy for good.

    Args:
        session: The update.
        optimiser: Over the model's weights.
        max_grad_norm: Longest gradient.
        finite: Whether the loss was, in this process.
    """
    weights = [p for p in session.model.parameters() if p.grad is not None]
    _sum_over_processes(session, list(session.model.parameters()))
    norm = _grad_norm(weights, max_grad_norm)
    everywhere = session.reducer.total(torch.tensor(float(not finite)))
    applied = math.isfinite(norm) and float(everywhere) == 0
    changed = diverged = False
    if applied and weights:
        before = [_probe(weight) for weight in weights]
        optimiser.step()
        changed = any(
            not torch.equal(old, _probe(weight))
            for old, weight in zip(before, weights, strict=True)
        )
        diverged = not math.isfinite(float(nn.utils.get_total_norm(weights)))
    optimiser.zero_grad(set_to_none=True)
    return Step(norm, changed, applied, diverged)


def micro_batches(
    rows: Int[Tensor, " rows"], size: int | None
) -> Iterator[Int[Tensor, " selected"]]:
    """Return the rows in parts of at most `size`; None for one part, nothing for no rows."""
    if len(rows):
        yield from torch.split(rows, size or len(rows))


class _Gathered:
    """Puts what micro-batches recorded back into the rows of the batch."""

    def __init__(self, shape: torch.Size, device: torch.device) -> None:
        self._shape, self._device = shape, device
        self.parts: Ledger = {}

    def add(self, rows: Int[Tensor, " selected"], ledger: Ledger) -> None:
        for name, part in ledger.items():
            if part.shape != (len(rows), self._shape[1]):
                self.parts[name] = part.detach()
                continue
            if name not in self.parts:
                self.parts[name] = torch.zeros(self._shape, dtype=part.dtype, device=self._device)
            self.parts[name][rows] = part.detach()


def _accumulate_auxiliary(
    session: Session, auxiliary: Auxiliary | None, rows_at_once: int | None
) -> tuple[float, Ledger]:
    total, parts = 0.0, dict[str, list[Tensor]]()
    if auxiliary is None:
        return total, {}
    for units in micro_batches(torch.arange(auxiliary.n_units), rows_at_once):
        loss, ledger = auxiliary.share(session, units)
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
        for name, part in ledger.items():
            parts.setdefault(name, []).append(part.detach().reshape(-1))
    return total, {name: torch.cat(found) for name, found in parts.items()}


def _sum_over_processes(session: Session, weights: list[nn.Parameter]) -> None:
    """Make every process hold the sum of all gradients, in one exchange."""
    if session.reducer.n_processes == 1:
        return
    # a process without a row still takes part, with zeros
    flat = torch.cat(
        [(torch.zeros_like(w) if w.grad is None else w.grad).reshape(-1) for w in weights]
    )
    summed = torch.split(session.reducer.total(flat), [weight.numel() for weight in weights])
    for weight, part in zip(weights, summed, strict=True):
        weight.grad = part.view_as(weight).clone()


def _grad_norm(weights: list[nn.Parameter], limit: float) -> float:
    if not weights:
        return 0.0
    return float(nn.utils.clip_grad_norm_(weights, limit, foreach=True))


def _probe(weight: nn.Parameter) -> Tensor:
    return weight.detach().reshape(-1)[:_PROBED].clone()
