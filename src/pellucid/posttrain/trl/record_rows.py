"""Rows of the record from one batch of completions, whichever trainer made it."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.posttrain.recording import SampleRow, TokenRow, UpdateRow
from pellucid.posttrain.recording.messages import message_text
from pellucid.posttrain.trl.batches import Taught

PROMPT_ID = "prompt_id"
"""Column of the data set that names a prompt in the record, where there is one."""


@dataclass(frozen=True)
class RecordedBatch:
    """One batch of completions as plain values, a list entry per row.

    Args:
        rows: Rows of the data set: prompt and further columns.
        completions: Texts or messages.
        rewards: Raw, by component; NaN where there is none.
        totals: Weighted sums.
        advantages: Of each row.
        prompts: What each was sampled under, if that is not the row's prompt.
        ids: Tokens of each completion; None if they were not seen.
        cut: Whether each reached the limit of tokens; None if not known.
        tokens: Per token, by name, as in `TokenRow`; absent ones were not measured.
        policy_loss: As in `UpdateRow`.
        taught: Texts that are learned beside the completions.
    """

    rows: Sequence[Mapping[str, Any]]
    completions: Sequence[Any]
    rewards: Mapping[str, Sequence[float]]
    totals: Sequence[float]
    advantages: Sequence[float]
    prompts: Mapping[int, Any] = field(default_factory=dict)
    ids: Sequence[Sequence[int]] | None = None
    cut: Sequence[bool] | None = None
    tokens: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    policy_loss: float = math.nan
    taught: Sequence[Taught] = ()

    @property
    def names(self) -> list[str]:
        """The name of each row's prompt."""
        return [prompt_name(row) for row in self.rows]


def prompt_name(row: Mapping[str, Any]) -> str:
    """Return a row's name in the record: its own, else a digest of the prompt."""
    own = row.get(PROMPT_ID)
    if own is not None:
        return str(own)
    text = message_text(row["prompt"])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def sample_row(batch: RecordedBatch, index: int, *, step: int, gold: str | None) -> SampleRow:
    """Return the record of one completion.

    Args:
        batch: Its batch.
        index: Its row.
        step: From 1.
        gold: The component that says whether an answer is right; None if none does.
    """
    row = batch.rows[index]
    plain = message_text(row["prompt"])
    sampled = batch.prompts.get(index)
    rewards = {name: float(values[index]) for name, values in batch.rewards.items()}
    right = math.nan if gold is None else rewards.get(gold, math.nan)
    answer = row.get("answer")
    missing = [name for name, value in rewards.items() if math.isnan(value)]
    unscored = math.isnan(batch.totals[index])
    return SampleRow(
        step=step,
        index=index,
        prompt_id=prompt_name(row),
        prompt=plain if sampled is None else message_text(sampled),
        scored_prompt=None if sampled is None else plain,
        context="plain" if sampled is None else "hinted",
        completion=message_text(batch.completions[index]),
        rewards=rewards,
        total=float(batch.totals[index]),
        advantage=float(batch.advantages[index]),
        gold=None if answer is None else str(answer),
        correct=None if math.isnan(right) else right > 0,
        length=None if batch.ids is None else len(batch.ids[index]),
        cut=None if batch.cut is None else bool(batch.cut[index]),
        unscored_reason=f"no score from {', '.join(missing)}" if unscored and missing else None,
    )


def taught_row(batch: RecordedBatch, place: int, *, step: int, gold: str | None) -> SampleRow:
    """Return the record of a text that is learned beside the completions.

    Args:
        batch: Its batch.
        place: Among the texts of the batch.
        step: From 1.
        gold: As in `sample_row`.
    """
    text = batch.taught[place]
    row = batch.rows[text.row]
    right = math.nan if gold is None else text.rewards.get(gold, math.nan)
    answer = row.get("answer")
    return SampleRow(
        step=step,
        index=len(batch.rows) + place,
        prompt_id=prompt_name(row),
        prompt=message_text(text.prompt),
        scored_prompt=message_text(row["prompt"]),
        context="answered",
        completion=text.text,
        rewards=text.rewards,
        total=text.total,
        gold=None if answer is None else str(answer),
        correct=None if math.isnan(right) else right > 0,
        length=text.n_tokens,
        cut=False,
    )


def token_row(
    batch: RecordedBatch, index: int, *, step: int, names: Sequence[str]
) -> TokenRow | None:
    """Return the record of a completion's tokens, None if they were not seen.

    Args:
        batch: Its batch.
        index: Its row.
        step: From 1.
        names: Text of each token.
    """
    if batch.ids is None:
        return None
    length = len(batch.ids[index])

    def numbers(name: str) -> Any:
        found = batch.tokens.get(name)
        return None if found is None else tuple(found[index][:length])

    def marks(name: str) -> Any:
        found = numbers(name)
        return None if found is None else tuple(value > 0 for value in found)

    weights = numbers("weights")
    return TokenRow(
        step=step,
        index=index,
        tokens=tuple(names),
        log_probs=numbers("log_probs"),
        entropies=numbers("entropies"),
        advantages=numbers("advantages"),
        ratios=numbers("ratios"),
        clipped=marks("clipped"),
        counted=None if weights is None else tuple(weight != 0 for weight in weights),
        pushes=numbers("pushes"),
        weights=weights,
    )


def update_row(
    batch: RecordedBatch, logs: Mapping[str, Any], *, step: int, gold: str | None, seconds: float
) -> UpdateRow:
    """Return the row of an update.

    Args:
        batch: Its completions.
        logs: What TRL logged for this step alone; empty if nothing.
        step: From 1.
        gold: As in `sample_row`.
        seconds: Wall time of the update.
    """
    groups: dict[str, set[float]] = {}
    for name, total in zip(batch.names, batch.totals, strict=True):
        known = groups.setdefault(name, set())
        if not math.isnan(total):
            known.add(float(total))
    lengths = [] if batch.ids is None else [float(len(ids)) for ids in batch.ids]
    right = [] if gold is None else [_success(value) for value in batch.rewards.get(gold, ())]
    return UpdateRow(
        step=step,
        rewards={name: _mean(values) for name, values in batch.rewards.items()},
        total=_mean(batch.totals),
        gold_success=_mean(right),
        n_samples=len(batch.rows),
        n_unscored=sum(math.isnan(total) for total in batch.totals),
        n_groups=len(groups),
        n_groups_without_signal=sum(len(known) < 2 for known in groups.values()),
        entropy=_logged(logs, "entropy"),
        kl=_logged(logs, "kl"),
        clip_fraction=_logged(logs, "clip_ratio/region_mean"),
        grad_norm=_logged(logs, "grad_norm"),
        loss=_logged(logs, "loss"),
        policy_loss=batch.policy_loss,
        learning_rate=_logged(logs, "learning_rate"),
        mean_length=_mean(lengths) if lengths else _logged(logs, "completions/mean_length"),
        n_cut=None if batch.cut is None else sum(map(bool, batch.cut)),
        seconds=seconds,
        extra=_extra(batch),
    )


def _extra(batch: RecordedBatch) -> dict[str, float]:
    extra = {}
    if batch.prompts:
        extra["share_hinted"] = len(batch.prompts) / len(batch.rows)
    if batch.taught:
        extra["n_explained"] = float(len(batch.taught))
    return extra


def _success(value: float) -> float:
    return value if math.isnan(value) else float(value > 0)


def _mean(values: Sequence[float]) -> float:
    measured = [float(value) for value in values if not math.isnan(value)]
    return math.fsum(measured) / len(measured) if measured else math.nan


def _logged(logs: Mapping[str, Any], name: str) -> float:
    value = logs.get(name)
    return math.nan if value is None else float(value)
