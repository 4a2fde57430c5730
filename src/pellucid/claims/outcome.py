"""What a run of claims came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.claims.claim import Arms, Claim, StatisticalClaim
from pellucid.claims.judging import Judgement, Verdict, worst
from pellucid.claims.records import Record

CELL_SECONDS, SYSTEM_SECONDS = 600.0, 2 * 3600.0
"""What a cell, and all cells of a system, may take at `cpu`: ten minutes, an hour on two cores."""


@dataclass(frozen=True)
class Outcome:
    """One claim after its run.

    Args:
        claim: The claim.
        record: What was stored.
        arms: What each arm measured, by seed.
        kept: Whether the record stays on disk.
        longest: Seconds of its longest cell.
        stale: Whether the record was made by other code than is there now.
    """

    claim: Claim
    record: Record
    arms: Arms
    kept: bool
    longest: float = 0.0
    stale: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict on this claim."""
        return self.record.judgement.verdict

    def document(self) -> dict[str, Any]:
        """Return what `reproduce --json` says of the claim."""
        judgement, claim = self.record.judgement, self.claim
        statistical = claim if isinstance(claim, StatisticalClaim) else None
        return {
            "id": claim.id,
            "system": claim.system,
            "statement": claim.statement,
            "primary": claim.primary,
            "verdict": str(judgement.verdict),
            "effect": judgement.effect,
            "low": judgement.low,
            "high": judgement.high,
            "minimum_effect": statistical.minimum_effect if statistical else None,
            "unit": statistical.unit if statistical else "case",
            "n": judgement.n,
            "n_unscored": judgement.n_unscored,
            "arms": {arm: values.tolist() for arm, values in self.arms.items()},
            "unmeasured": [
                {"arm": arm, "seed": seed, "reason": reason}
                for (arm, seed), reason in self.record.reasons.items()
            ],
            "controls": _rows(judgement) if statistical else [],
            "cases": [] if statistical else _rows(judgement),
            "scale": self.record.start.scale,
            "seconds": self.record.seconds,
            "record": str(self.record.path) if self.kept else None,
            "stale": self.stale,
            "reason": judgement.reason,
        }


@dataclass(frozen=True)
class NotRun:
    """A claim that cannot be run here.

    Args:
        claim: The claim.
        reason: What it lacks and how to get it.
    """

    claim: Claim
    reason: str


def system_verdicts(outcomes: Sequence[Outcome]) -> dict[str, Verdict | None]:
    """Return each system's verdict: the worst of its primary parts, None if none of them ran."""
    systems = sorted({outcome.claim.system for outcome in outcomes})
    return {
        system: worst(o.verdict for o in outcomes if o.claim.system == system and o.claim.primary)
        for system in systems
    }


def over_budget(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a sentence for each claim and system that took longer at `cpu` than it may."""
    timed = [o for o in outcomes if o.record.start.scale == "cpu"]
    sentences = [
        f"a cell of {o.claim.id} took {o.longest:.0f} s; at most {CELL_SECONDS:.0f} s are allowed"
        for o in timed
        if o.longest > CELL_SECONDS
    ]
    for system in sorted({o.claim.system for o in timed}):
        seconds = sum(o.record.seconds for o in timed if o.claim.system == system)
        if seconds > SYSTEM_SECONDS:
            sentences.append(
                f"the cells of {system} took {seconds / 60:.0f} min; "
                f"at most {SYSTEM_SECONDS / 60:.0f} min are allowed"
            )
    return sentences


def _rows(judgement: Judgement) -> list[dict[str, Any]]:
    return [{"name": name, "holds": held} for name, held in judgement.checks.items()]
