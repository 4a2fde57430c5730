"""The row of one update: what was measured on its batch."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pellucid.posttrain.native.optimising import Pass, Step
from pellucid.posttrain.native.responses import Response, by_group
from pellucid.posttrain.native.rollouts import Rollout
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Prepared
from pellucid.posttrain.recording.rows import UpdateRow


def update_row(
    session: Session,
    rollout: Rollout,
    prepared: Prepared,
    passes: Sequence[Pass],
    steps: Sequence[Step],
    *,
    learning_rate: float,
    seconds: float,
) -> UpdateRow:
    """Return the row of an update.

    Means over responses leave out those without a score, and count them. Entropy is that of the
    policy before the update; ratio and clipping are those of the last pass over the batch.

    Args:
        session: The update.
        rollout: Its batch.
        prepared: Advantages and weights.
        passes: Each pass over the batch.
        steps: The step after each.
        learning_rate: As used.
        seconds: Wall time.
    """
    responses = rollout.responses
    mask = prepared.weights != 0
    last = passes[-1]
    kl = last.ledger.get("kl")
    groups = by_group(responses)
    return UpdateRow(
        step=session.update,
        rewards={
            name: _mean([r.rewards[name] for r in responses]) for name in session.rewards.functions
        },
        total=_mean([r.total for r in responses]),
        gold_success=_gold_success(session, responses),
        n_samples=len(responses),
        n_unscored=sum(math.isnan(r.total) for r in responses),
        n_groups=len(groups),
        n_groups_without_signal=sum(_uniform(members) for members in groups.values()),
        entropy=masked_mean(passes[0].entropies, mask),
        kl=math.nan if kl is None else masked_mean(kl, mask),
        clip_fraction=masked_mean(last.ledger.get("clipped"), mask),
        grad_norm=steps[-1].grad_norm,
        loss=last.loss,
        learning_rate=learning_rate,
        mean_length=_mean([float(r.n_written) for r in responses]),
        n_cut=sum(not r.finished for r in responses),
        seconds=seconds,
        extra=_further(session, rollout, prepared, last),
    )


def _further(
    session: Session, rollout: Rollout, prepared: Prepared, last: Pass
) -> dict[str, float]:
    """Return what has no column of its own: ratios, counts, and what the method tells."""
    responses, mask = rollout.responses, prepared.weights != 0
    groups = by_group(responses)
    ratios = last.ledger.get("ratios")
    n_unscored = {
        f"n_unscored/{name}": float(sum(math.isnan(r.rewards[name]) for r in responses))
        for name in session.rewards.functions
    }
    told = {name: float(part) for name, part in prepared.ledger.items() if part.dim() == 0}
    return {
        "auxiliary_loss": last.auxiliary_loss,
        "mean_ratio": masked_mean(ratios, mask),
        "largest_ratio": _largest(ratios, mask),
        "share_mixed_groups": 1 - sum(map(_uniform, groups.values())) / len(groups),
        "n_used": float(sum(r.used for r in responses)),
        "n_generated_tokens": float(rollout.n_generated),
        **n_unscored,
        "n_reward_failures": float(sum(bool(r.failure) for r in responses)),
        **told,
        **rollout.facts,
    }


def masked_mean(values: Tensor | None, mask: Tensor) -> float:
    """Return the mean of the selected values; NaN if there are none."""
    if values is None or not bool(mask.any()):
        return math.nan
    return float(values[mask].double().mean())


def _largest(values: Tensor | None, mask: Tensor) -> float:
    if values is None or not bool(mask.any()):
        return math.nan
    return float(values[mask].max())


def _mean(values: Sequence[float]) -> float:
    measured = [value for value in values if not math.isnan(value)]
    return math.fsum(measured) / len(measured) if measured else math.nan


def _gold_success(session: Session, responses: Sequence[Response]) -> float:
    gold = session.rewards.gold
    if gold is None:
        return math.nan
    return _mean(
        [
            r.rewards[gold] if math.isnan(r.rewards[gold]) else float(r.rewards[gold] > 0)
            for r in responses
        ]
    )


def _uniform(members: Sequence[Response]) -> bool:
    return len({r.total for r in members if not math.isnan(r.total)}) < 2


def row_advantages(prepared: Prepared) -> Tensor:
    """Return the mean advantage over the tokens of each row that count; NaN for a row of none."""
    counted = prepared.weights != 0
    sums = torch.where(counted, prepared.advantages, 0.0).sum(1)
    return sums / counted.sum(1)
