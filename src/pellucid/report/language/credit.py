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

TOLERANCE = 1e-3
"""Largest difference of a push from advantage times ratio, relative; tokens are stored with six
digits."""

CREDIT = Method(
    "token-credit",
    "B",
    "What did the update push?",
    Sentences(
        supported="This update pushed these words up or down: {v} % of the pushes equal advantage "
        "times ratio, {r} % with the ratios and advantages of another answer.",
        weak="This update may have pushed these words up or down: {v} % of the pushes equal "
        "advantage times ratio, but {r} % do so by chance.",
        thin="This update may have pushed these words up or down; weak, since {reason}.",
        failed="The pushes do not add up and are not shown: only {v} % equal advantage times "
        "ratio.",
        not_measured="What the update pushed was not tested: {reason}. To test it: {need}.",
        does_not_say="why the answer is right",
    ),
    MetricInfo(
        "push_identity",
        Contributions,
        "pushes computed again from advantage, ratio, clip and mask",
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
    """Return advantage times ratio after clipping and masks; NaN where it cannot be known.

    Args:
        row: Tokens of an answer.
        advantage: Of the answer, for tokens without one of their own.

    Example:
        >>> row = TokenRow(1, 0, ("a", "b"), ratios=(1.5, 1.0), clipped=(True, False))
        >>> expected_pushes(row, 2.0).tolist()
        [0.0, 2.0]
    """
    n = len(row.tokens)
    advantages = np.array(row.advantages if row.advantages is not None else [advantage] * n)
    ratios = np.array(row.ratios if row.ratios is not None else [math.nan] * n)
    pushes = advantages * ratios
    stopped = flags(row.clipped, n, unknown=False) | ~flags(row.counted, n, unknown=True)
    return np.where(stopped, 0.0, pushes)


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
        found = _credits(record, group)
        if found:
            values.append(float(np.mean([_agreement(c, c) for c in found])))
            controls.append(_with_others(found))
    score = paired_score(
        CREDIT.test,
        np.array(values),
        np.array(controls),
        "with those of another answer",
        value_unit="% of the pushes",
        bounds=(0.0, 100.0),
    )
    exact = [value >= 100.0 * (1 - TOLERANCE) for value in values]
    broken = "" if all(exact) else "the pushes are not advantage times ratio after clip and mask"
    facts = {"share": fact(100.0 * sum(exact) / len(exact))}
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
    signal = [row for row in run.tokens if row.pushes and any(row.pushes)]
    if not signal:
        return "no kept answer was pushed: its groups were without signal", "groups with signal"
    return None


def _credits(record: LanguageRecord, group: Group) -> list[Credit]:
    """Answers of a group with a push that can be checked."""
    found = []
    for sample in group.samples:
        row = record.tokens.get((sample.step, sample.index))
        if row is not None and row.pushes and row.ratios is not None and any(row.pushes):
            found.append(Credit(sample, row))
    return found


def _with_others(found: Sequence[Credit]) -> float:
    """Mean agreement of each answer's pushes with the next answer's ratios; NaN for one alone."""
    if len(found) < 2:
        return math.nan
    others = [*found[1:], found[0]]
    return float(np.mean([_agreement(c, d) for c, d in zip(found, others, strict=True)]))


def _agreement(pushed: Credit, explained: Credit) -> float:
    """Percent of an answer's pushes that equal advantage times ratio of an answer, in order."""
    pushes = np.array(pushed.row.pushes)
    expected = expected_pushes(explained.row, explained.sample.advantage)
    if explained is not pushed:
        expected = np.resize(expected, pushes.shape)
    close = np.abs(pushes - expected) <= TOLERANCE * np.maximum(1e-3, np.abs(pushes))
    return 100.0 * float(close.mean())
