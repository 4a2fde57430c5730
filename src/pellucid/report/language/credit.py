"""What the update pushed, token by token, and whether the recorded pushes are what they claim."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from pellucid.explanation import Explanation, fact
from pellucid.explanation.content import Contributions
from pellucid.explanation.contract import MetricInfo
from pellucid.explanation.wording import Sentences
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.posttrain.recording import SampleRow, TokenRow
from pellucid.report.language.findings import Method, explanation
from pellucid.report.language.record import Group, LanguageRecord

LEAST_AGREEMENT = 95.0
"""Percent of the pushes that must be advantage times ratio, or they are not shown. A divergence
from the reference is part of a token's loss too, and takes a few percent at most."""

CREDIT = Method(
    "token-credit",
    "B",
    "What did the update push?",
    Sentences(
        supported="This update pushed these words up or down: advantage times ratio makes up "
        "{v} % of the pushes ({vlo} to {vhi}), {r} % with another answer's.",
        weak="This update may have pushed these words up or down: advantage times ratio makes up "
        "{v} % of the pushes, not clearly more than another answer's ({r} %).",
        thin="This update may have pushed these words up or down; weak, since {reason}.",
        failed="The pushes do not add up and are not shown: advantage times ratio makes up only "
        "{v} % of them.",
        not_measured="What the update pushed was not tested: {reason}. To test it: {need}.",
        does_not_say="why the answer is right",
    ),
    MetricInfo(
        "push_identity",
        Contributions,
        "pushes made again from advantage, ratio, clip and mask",
        "higher",
        "group",
        "test",
        False,
        "the clipped objective, token by token",
    ),
)


class Credit(NamedTuple):
    """The tokens of one answer that the page shows.

    Args:
        sample: The answer.
        row: Its tokens.
    """

    sample: SampleRow
    row: TokenRow


def expected_pushes(row: TokenRow, advantage: float) -> Float[ndarray, " tokens"]:
    """Return advantage times ratio after clipping and masks.

    A clipped token may count as its advantage times any ratio between one and its own: the bound
    itself is not recorded.

    Args:
        row: Tokens of an answer.
        advantage: Of the answer, for tokens without one of their own.

    Returns:
        Shape (tokens,); NaN where the ratio is not known.

    Example:
        >>> row = TokenRow(1, 0, ("a", "b"), ratios=(1.5, 0.9), clipped=(True, False),
        ...                pushes=(2.4, 1.8))
        >>> expected_pushes(row, 2.0).tolist()
        [2.4, 1.8]
    """
    n = len(row.tokens)
    advantages = np.array(row.advantages if row.advantages is not None else [advantage] * n)
    ratios = np.array(row.ratios if row.ratios is not None else [math.nan] * n)
    pushes = advantages * ratios
    recorded = np.array(row.pushes if row.pushes is not None else [0.0] * n)
    low, high = np.minimum(pushes, advantages), np.maximum(pushes, advantages)
    stopped = np.where(recorded == 0, 0.0, np.clip(recorded, low, high))
    pushes = np.where(flags(row.clipped, n, unknown=False), stopped, pushes)
    return np.where(flags(row.counted, n, unknown=True), pushes, 0.0)


def flags(values: Sequence[bool] | None, n: int, *, unknown: bool) -> Bool[ndarray, " tokens"]:
    """Return flags of tokens; those that were not recorded have the value given."""
    return np.array(values if values is not None else [unknown] * n, dtype=bool)


def one_advantage(row: TokenRow) -> bool:
    """Whether every token of an answer that counts has the same advantage."""
    if row.advantages is None:
        return True
    counted = np.array(row.advantages)[flags(row.counted, len(row.tokens), unknown=True)]
    return len(counted) == 0 or bool(np.ptp(counted) <= 1e-6 * max(1.0, np.abs(counted).max()))


def token_credit(record: LanguageRecord) -> Explanation:
    """Return whether the recorded pushes are advantage times ratio, after clip and mask."""
    missing = _missing(record)
    if missing is not None:
        return explanation(CREDIT, (missing_score(CREDIT.test, *missing),), seed=record.seed)
    values, controls = [], []
    for group in record.groups:
        found = _checkable(record, group)
        if found:
            values.append(float(np.mean([_agreement(c, c) for c in found])))
            controls.append(_with_others(found))
    score = paired_score(
        CREDIT.test,
        np.array(values),
        np.array(controls),
        "with another answer's",
        value_unit="% of the pushes",
        bounds=(0.0, 100.0),
    )
    off = sum(value < LEAST_AGREEMENT for value in values)
    broken = "the pushes are not advantage times ratio after clip and mask" if off else ""
    interval = score.interval
    facts = {"vlo": fact(interval.low), "vhi": fact(interval.high)}
    return explanation(CREDIT, (score,), seed=record.seed, facts=facts, broken=broken)


def _missing(record: LanguageRecord) -> tuple[str, str] | None:
    run = record.run
    if not run.tokens:
        absent = run.absent.get("tokens", "the run kept no token records")
        return absent, "train with pellucid, which keeps them"
    if all(row.pushes is None for row in run.tokens):
        return "the run kept tokens without what the update did to them", "keep their pushes"
    if all(row.ratios is None for row in run.tokens):
        return "the run kept pushes without the ratios to check them by", "keep the ratios too"
    if not any(_checkable(record, group) for group in record.groups):
        return (
            "no kept answer under the plain prompt was pushed",
            "groups with signal, and answers that were not sampled under a hint",
        )
    return None


def _checkable(record: LanguageRecord, group: Group) -> list[Credit]:
    """Answers of a group with a push that advantage and ratio should explain.

    Not those sampled under another prompt: their ratio compares two prompts and is reshaped.
    """
    found = []
    for sample in group.samples:
        row = record.tokens.get((sample.step, sample.index))
        known = row is not None and row.ratios is not None and any(row.pushes or ())
        if row is not None and known and sample.context == "plain":
            found.append(Credit(sample, row))
    return found


def _with_others(found: Sequence[Credit]) -> float:
    """Mean agreement of each answer's pushes with the next answer's ratios; NaN for one alone."""
    if len(found) < 2:
        return math.nan
    others = [*found[1:], found[0]]
    return float(np.mean([_agreement(c, d) for c, d in zip(found, others, strict=True)]))


def _agreement(pushed: Credit, explained: Credit) -> float:
    """Percent of an answer's pushes that advantage times ratio of an answer makes up, in order."""
    pushes = np.array(pushed.row.pushes)
    expected = expected_pushes(explained.row, explained.sample.advantage)
    if explained is not pushed:
        expected = np.resize(expected, pushes.shape)
    known = np.isfinite(expected) & np.isfinite(pushes)
    error = np.abs(pushes - expected)[known].sum() / max(1e-12, np.abs(pushes)[known].sum())
    return 100.0 * (1.0 - min(1.0, float(error)))
