"""The first screens as data: the Summary, and whether this is the agent that was meant."""

import math
from collections.abc import Mapping, Sequence
from typing import get_args

from pellucid.explanation import Badge, Explanation, Interval
from pellucid.explanation.rendering import decisive_score
from pellucid.explanation.wording import Fact, fact, unit_of
from pellucid.report.contexts import what_it_goes_by
from pellucid.report.record import RunRecord
from pellucid.report.said import Document, listing, said, said_with
from pellucid.stats import CONFIDENCE

MAX_FINDINGS = 7
ROOM_FOR_FAILED = 3
"""Rows of findings that failed ones have at least, if there are so many."""
BADGE_ORDER: tuple[Badge, ...] = get_args(Badge)
PERCENT = 100 * CONFIDENCE


def summary(record: RunRecord, explanations: Sequence[Document]) -> Document:
    """Return the Summary: how well it does, how many explanations per badge, which ones to show.

    Args:
        record: The run.
        explanations: As in the document, in the order of `record.explanations`.
    """
    alike = failed_alike(explanations)
    shown, also_failed = findings(record.explanations, explanations, alike)
    counts = {badge: sum(e["badge"] == badge for e in explanations) for badge in BADGE_ORDER}
    return {
        "performance": performance(record),
        "badges": counts,
        "n_explanations": len(explanations),
        "n_tests": n_tests(explanations),
        "findings": shown,
        "also_failed": also_failed,
        "alike": {str(first): others for first, others in alike.items()},
        "nothing_passed": counts["supported"] == 0,
    }


def n_tests(explanations: Sequence[Document]) -> int:
    """Return how many tests were made that luck could pass; sanity checks can only fail."""
    return sum(
        measured(score["gap"]["value"]) and score["role"] != "sanity"
        for explanation in explanations
        for score in explanation["faithfulness"]
    )


def measured(value: float | None) -> bool:
    """Whether a number of a document was measured: neither NaN nor, as JSON has it, null."""
    return value is not None and not math.isnan(value)


def performance(record: RunRecord) -> list[Document]:
    """Return one or two sentences on the return and on success, and on what else it goes by."""
    unit, returns = record.episodes.names.reward_unit, record.returns
    n = len(record.episodes)
    if n == 0:
        attempted = len(record.episodes.attempted)
        return [said("No episode finished: {n} of {m} were usable.", n=0, m=attempted)]
    if returns.constant:
        told = said(
            "All {n} episodes scored {r} {unit}; nothing to tell apart.",
            n=returns.n,
            r=returns.value,
            unit=unit_of(returns.value, unit),
        )
    elif returns.measured:
        told = said(
            "It earns **{mean} {unit}** per episode, likely between {low} and {high} ({c} %).",
            mean=returns.value,
            low=returns.low,
            high=returns.high,
            c=PERCENT,
            unit=unit,
        )
    else:
        told = said(
            "Only {n} episode finished, with {r} {unit}: the mean return was not measured.",
            n=n,
            r=(earned := float(record.episodes.returns.mean())),
            unit=unit_of(earned, unit),
        )
    return [told, _success(record), *what_it_goes_by(record)]


def _success(record: RunRecord) -> Document:
    used = record.episodes.used
    if record.success_return is not None:
        reached = sum(e.total_reward >= record.success_return for e in used)
        return said(
            "{k} of {n} episodes reached {goal}, which this environment counts as success.",
            k=reached,
            n=len(used),
            goal=record.success_return,
        )
    ended = sum(e.terminated for e in used)
    told = "{k} of {n} episodes ended by themselves"
    if ended < len(used) and all(e.terminated or e.truncated for e in used):
        told += ", the step limit ended the others" if ended else ": the step limit ended them"
    return said(f"{told}.", k=ended, n=len(used))


# --- findings ---


def failed_alike(described: Sequence[Document]) -> dict[int, list[int]]:
    """Return failed explanations that other ones repeat: same question, same words.

    A row each would say nothing more than how many there are.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for position, explanation in enumerate(described):
        if explanation["badge"] == "failed":
            key = (explanation["question"], explanation["text"])
            groups.setdefault(key, []).append(position)
    return {same[0]: same[1:] for same in groups.values() if len(same) > 1}


def findings(
    explanations: Sequence[Explanation],
    described: Sequence[Document],
    alike: Mapping[int, Sequence[int]],
) -> tuple[list[int], list[int]]:
    """Return the positions of the findings to show, in order, and of other failed ones to name.

    Up to seven: failed ones, at least one weakest finding, then the others. Consequences (tests
    that ran the environment again, largest gap first) come before the rest. Where more failed than
    there is room for beside what passed, the rest of them is named below.

    Args:
        explanations: Of the run.
        described: As in the document, in the same order.
        alike: From `failed_alike`; repetitions have no row of their own.
    """
    repeated = {other for others in alike.values() for other in others}
    own = [position for position in range(len(described)) if position not in repeated]
    order = sorted(own, key=lambda i: _rank(explanations[i], described[i], i))
    by_badge = {b: [i for i in order if described[i]["badge"] == b] for b in BADGE_ORDER}
    n_passed = len(by_badge["supported"]) + len(by_badge["weak"])
    room = max(ROOM_FOR_FAILED, MAX_FINDINGS - n_passed)
    kept, also_failed = by_badge["failed"][:room], by_badge["failed"][room:]
    kept += by_badge["weak"][-1:]
    others = [position for position in order if position not in (*kept, *also_failed)]
    kept += others[: MAX_FINDINGS - len(kept)]
    return sorted(kept, key=order.index), also_failed


def _rank(explanation: Explanation, described: Document, position: int) -> tuple[float, ...]:
    badge = BADGE_ORDER.index(described["badge"])
    score = None if described["damaged"] else decisive_score(explanation)
    if score is None or not score.gap.measured:
        return (badge, 1, 0.0, position)
    return (badge, 0 if score.closed_loop else 1, -score.gap.value, position)


# --- is this the agent you meant? ---


def identity(record: RunRecord) -> Document:
    """Return the measured return beside the recorded one, and whether they agree.

    They disagree where the difference is larger than both half widths together allow (as for two
    independent estimates); a record without interval counts as exact.
    """
    recorded, measured = record.agent.recorded, record.returns
    verdict = _verdict(measured, recorded)
    told = _identity_words(record, verdict)
    return {
        "verdict": verdict,
        **told,
        "normalisation": _normalisation(record),
        "recorded": _recorded(recorded, record.agent.recorded_source),
        "facts_shown": told["facts"],
    }


def _normalisation(record: RunRecord) -> Document:
    agent = record.agent
    if agent.normalised == "yes":
        return said(
            "Its inputs are normalised in front of it, by the statistics in {source}.",
            source=agent.statistics_source,
        )
    if any(e.normalised == "unknown" for e in record.explanations) or agent.normalised == "unknown":
        return said(
            "**Unknown.** It seems to have learned on normalised inputs, and {what} are missing.",
            what="their statistics",
        )
    stated = (
        "its user says so"
        if agent.normalised == "no"
        else "nothing that came with it tells otherwise"
    )
    return said("Its inputs were not normalised, as far as known: {why}.", why=stated)


def _recorded(recorded: Interval | None, source: str) -> Document | None:
    if recorded is None:
        return None
    known = math.isfinite(recorded.low) and math.isfinite(recorded.high)
    return {
        "mean": recorded.value,
        "low": recorded.low,
        "high": recorded.high,
        "n": recorded.n,
        "source": source,
        "reason": "" if known else "the record gives no interval",
    }


def _verdict(measured: Interval, recorded: Interval | None) -> str:
    if recorded is None or not recorded.measured:
        return "no_record"
    if not measured.measured:
        return "not_measured"
    halves = [_half_width(measured), _half_width(recorded)]
    return "agrees" if abs(measured.value - recorded.value) <= math.hypot(*halves) else "disagrees"


def _half_width(interval: Interval) -> float:
    half = (interval.high - interval.low) / 2
    return half if math.isfinite(half) else 0.0


def _identity_words(record: RunRecord, verdict: str) -> Document:
    recorded, source = record.agent.recorded, record.agent.recorded_source or "its record"
    if recorded is None or verdict == "no_record":
        return said(
            "No record to compare with: {what} came without an evaluation by its maker.",
            what="this agent",
        )
    facts: dict[str, Fact] = {
        "there": fact(recorded.value),
        "source": fact(source),
        "here": fact(record.returns.value),
    }
    if verdict == "not_measured":
        return said_with("{source} says {there}; the return here was not measured.", facts)
    if verdict == "agrees":
        return said_with(
            "Yes, as far as the return tells: {here} here, {there} according to {source}.", facts
        )
    causes = listing(
        ["another version of the environment", "missing wrappers", "missing normalisation"]
    )
    template = (
        "**Probably not the agent you meant.** It earns {here} here, but {source} says {there}. "
        f"Usual causes: {causes}."
    )
    return said_with(template, facts)
