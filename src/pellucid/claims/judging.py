"""The verdict on a claim, from its cells alone."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pellucid.claims.claim import Arms, ExactClaim, Scale, StatisticalClaim
from pellucid.stats import not_measured, paired_gap


class Verdict(StrEnum):
    """What a run says about a claim, the worst first."""

    not_reproduced = "not_reproduced"
    inconclusive = "inconclusive"
    smoke = "smoke"
    reproduced = "reproduced"


@dataclass(frozen=True)
class Judgement:
    """A verdict and the numbers that it rests on.

    Args:
        verdict: The verdict.
        effect: Mean paired difference; NaN for exact claims and where nothing was measured.
        low: Lower end of its 95 % interval.
        high: Upper end.
        n: Pairs that were measured, or cases.
        n_unscored: Pairs of which one cell or both could not be measured.
        checks: Whether each negative control (or invariant, or case) held; None if not judged.
        reason: One line.
    """

    verdict: Verdict
    effect: float
    low: float
    high: float
    n: int
    n_unscored: int
    checks: Mapping[str, bool | None]
    reason: str


def judge(claim: StatisticalClaim, arms: Arms, scale: Scale) -> Judgement:
    """Judge a statistical claim.

    Reproduced: the interval lies above 0, the effect reaches the minimum, every negative control
    holds and no pair is missing. Not reproduced: the interval lies below the minimum. Else
    inconclusive. At `smoke` only the invariants count, and that every cell is a finite number.

    Args:
        claim: The claim.
        arms: What each arm measured, by seed.
        scale: The scale that the cells were run at.
    """
    if scale == "smoke":
        return _smoke(claim, arms)
    gap = paired_gap(arms[claim.treatment], arms[claim.control], "higher")
    broken = [name for name, holds in claim.invariants.items() if not holds(arms)]
    checks = {c.name: bool(c.holds(arms)) for c in claim.negative_controls}
    failed = [name for name, held in checks.items() if not held]
    reached = gap.low > 0 and gap.value >= claim.minimum_effect
    if broken:
        verdict, reason = Verdict.not_reproduced, f"invariants do not hold: {', '.join(broken)}"
    elif gap.high < claim.minimum_effect:
        verdict, reason = Verdict.not_reproduced, "the interval lies below the minimum effect"
    elif not gap.measured:
        verdict, reason = Verdict.inconclusive, "fewer than two pairs were measured"
    elif not reached:
        verdict, reason = Verdict.inconclusive, "the interval does not decide"
    elif failed:
        verdict, reason = Verdict.inconclusive, f"negative controls fail: {', '.join(failed)}"
    elif gap.n_unscored:
        verdict, reason = Verdict.inconclusive, f"{gap.n_unscored} pairs were not measured"
    else:
        verdict, reason = Verdict.reproduced, "the effect is there and every control holds"
    return Judgement(verdict, gap.value, gap.low, gap.high, gap.n, gap.n_unscored, checks, reason)


def judge_cases(claim: ExactClaim, cases: Mapping[str, bool], scale: Scale) -> Judgement:
    """Judge an exact claim: all cases hold, and there is at least one.

    Args:
        claim: The claim.
        cases: Whether each case holds.
        scale: At `smoke` the verdict is `smoke`, unless a case fails.
    """
    failed = [name for name, held in cases.items() if not held]
    if failed or not cases:
        verdict = Verdict.not_reproduced
        reason = f"cases do not hold: {', '.join(failed)}" if failed else f"{claim.id} has no cases"
    else:
        verdict = Verdict.smoke if scale == "smoke" else Verdict.reproduced
        reason = "every case holds"
    return Judgement(verdict, math.nan, math.nan, math.nan, len(cases), 0, dict(cases), reason)


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the worst verdict, None of none."""
    order = list(Verdict)
    return min(verdicts, key=order.index, default=None)


def _smoke(claim: StatisticalClaim, arms: Arms) -> Judgement:
    missing = [arm for arm, values in arms.items() if not np.isfinite(values).all()]
    broken = [name for name, holds in claim.invariants.items() if not holds(arms)]
    if missing:
        verdict, reason = Verdict.not_reproduced, f"no number from the arms {', '.join(missing)}"
    elif broken:
        verdict, reason = Verdict.not_reproduced, f"invariants do not hold: {', '.join(broken)}"
    else:
        verdict, reason = Verdict.smoke, "it runs; too few seeds to judge the effect"
    n = len(arms[claim.treatment])
    nothing = not_measured(n)
    checks = {control.name: None for control in claim.negative_controls}
    return Judgement(verdict, nothing.value, nothing.low, nothing.high, n, 0, checks, reason)
