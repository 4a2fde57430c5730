"""The badge rule: one rule for every explanation, printed in the report (REPORT.md, section 2).

Precedence: not measured, failed, weak, supported; the first that applies. An explanation has the
badge of its decisive test, the lowest of that test's scores, lowered by any failed check, never
raised and never averaged.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pellucid.explanation.contract import ExplainerInfo, Finding
from pellucid.explanation.score import Badge, Score
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.thresholds import in_words

PRECEDENCE: tuple[Badge, ...] = ("not_measured", "failed", "weak", "supported")
"""Lowest first; the first that applies is the badge."""


class Decision(NamedTuple):
    """The badge of an explanation, and how it came about.

    Args:
        badge: The badge.
        decisive: The score that decided it, None if no decisive test was made.
        reason: Why, in plain words; always filled.
        need: What would allow the measurement; empty unless not measured.
    """

    badge: Badge
    decisive: Score | None
    reason: str
    need: str = ""


def judge(score: Score, *, complete: bool, rerun_possible: bool, doubt: str = "") -> Score:
    """Return the score with its badge and the reason for it.

    Args:
        score: A score with its gap; badge and reason are replaced, save the reason of a score
            that could not be measured.
        complete: Whether the explanation ran to its planned end; the score tells it of the test.
        rerun_possible: Whether a test that runs the environment again could have been made.
        doubt: Why it may be another agent that was tested (`input_doubt`); empty for no doubt.
    """
    if score.role == "sanity":
        badge, reason = _judge_sanity(score)
    else:
        badge, reason = _judge_test(score, complete, rerun_possible, doubt)
    need = ""
    if badge == "not_measured":
        need = score.need or f"more {_plural(score.unit)} to compare"
    return replace(score, badge=badge, reason=reason, need=need)


def decide(
    scores: Sequence[Score],
    info: ExplainerInfo,
    finding: Finding,
    *,
    rerun_possible: bool,
    doubt: str = "",
) -> Decision:
    """Return the badge of an explanation from its scores.

    The decisive test is the first of `info.decisive` whose scores are all measured; where there is
    none, the explanation is not measured, for the reason of the first one named.

    Args:
        scores: What `score_finding` returned.
        info: Names the decisive tests, in the order in which they may decide.
        finding: Tells whether it is complete and whether the method's own identity holds.
        rerun_possible: Whether the environment can be made again.
        doubt: As for `judge`.
    """
    possible = rerun_was_possible(scores, rerun_possible)
    judged = [
        judge(s, complete=finding.complete, rerun_possible=possible, doubt=doubt) for s in scores
    ]
    lowest = _decisive_score(judged, info.decisive)
    if lowest is None:
        listed = " or ".join(info.decisive)
        reason = f"no decisive test was made ({listed})"
        return Decision("not_measured", None, reason, "explain again with tests")
    if lowest.badge == "not_measured":
        return Decision("not_measured", lowest, lowest.reason, lowest.need)
    # `not <=` and not `>`: an identity that came out as NaN does not hold
    error = finding.identity_error
    if error is not None and not error <= finding.identity_tolerance:
        reason = "the method's own identity does not hold: its parts do not add up to the whole"
        return Decision("failed", lowest, reason)
    checks = [s for s in judged if s.role == "sanity"]
    failed = next((s for s in checks if s.badge == "failed"), None)
    if failed is not None:
        return Decision("failed", lowest, f"a sanity check failed: {failed.reason}")
    missing = next((s for s in checks if s.badge == "not_measured" and s.applicable), None)
    if lowest.badge == "supported" and missing is not None:
        reason = f"a sanity check that applies was not made ({missing.label}): {missing.reason}"
        return Decision("weak", lowest, reason)
    return Decision(lowest.badge, lowest, lowest.reason)


def rerun_was_possible(scores: Sequence[Score], environment: bool) -> bool:
    """Whether a test of this explanation could have run the environment again.

    Not if there is no environment, nor if every such test found that it does not apply, such as
    one that branches in an environment that does not repeat itself.
    """
    closed = [s for s in scores if s.closed_loop and s.role == "test"]
    return environment and (not closed or any(s.applicable for s in closed))


def belongs(score: Score, name: str) -> bool:
    """Whether a score is the one named, or one of the metric named."""
    return score.metric == name or score.metric.startswith(f"{name}.")


def _decisive_score(scores: Sequence[Score], decisive: Sequence[str]) -> Score | None:
    """Return the lowest score of the first decisive test that was measured, else of the first."""
    first: Score | None = None
    for name in decisive:
        # a supporting score decides only where it is named in full
        candidates = [
            s
            for s in scores
            if belongs(s, name) and (s.role == "test" or (s.metric == name and s.role != "sanity"))
        ]
        if not candidates:
            continue
        lowest = min(candidates, key=lambda s: PRECEDENCE.index(s.badge))
        if lowest.badge != "not_measured":
            return lowest
        first = first or lowest
    return first


def _judge_test(
    score: Score, complete: bool, rerun_possible: bool, doubt: str
) -> tuple[Badge, str]:
    gap = score.gap
    units = _plural(score.unit)
    if not gap.measured or gap.n < thresholds.UNITS_FOR_WEAK:
        only = "only " if gap.n else ""
        few = f"{only}{in_words(gap.n)} {units} could be scored"
        return "not_measured", score.reason or f"{few}; {_needed()} are needed"
    if gap.value <= 0:
        same = "it does exactly as well as" if gap.value == 0 else "it does no better than"
        return "failed", f"{same} its control: {_control(score)}"
    weak = []
    if not gap.low > 0:  # a NaN end counts as reaching zero
        weak.append("the difference to its control could be zero")
    if gap.n < thresholds.UNITS_FOR_SUPPORTED:
        weak.append(f"only {in_words(gap.n)} {units} could be scored")
    if not complete:
        weak.append("the run stopped early")
    elif not score.complete:
        weak.append("the test stopped early, at the end of the budget")
    if not score.closed_loop and rerun_possible:
        weak.append("it was tested on recorded states only, although the environment can be re-run")
    if doubt:
        weak.append(doubt)
    if weak:
        return "weak", "; ".join(weak)
    constant = f", by the same amount in all {units}" if gap.constant else ""
    return "supported", f"it does better than its control{constant}: {_control(score)}"


def _judge_sanity(score: Score) -> tuple[Badge, str]:
    if not score.gap.measured:
        return "not_measured", score.reason or "the check could not be computed"
    if score.gap.value <= 0:
        return "failed", f"{score.label}: beyond what is allowed"
    return "supported", f"{score.label}: passed"


def _needed() -> str:
    return in_words(thresholds.UNITS_FOR_WEAK)


def _plural(unit: str) -> str:
    return unit if unit.endswith("s") else f"{unit}s"


def _control(score: Score) -> str:
    return score.control.name if score.control is not None else "its reference"
