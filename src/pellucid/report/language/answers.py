"""Prompts and their answers as data: what each answer earned, and what it says."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.posttrain.recording import SampleRow
from pellucid.report.language.record import Group
from pellucid.report.language.shares import TOLERANCE, addition_error, parts_of
from pellucid.report.language.texts import short, shortened
from pellucid.report.said import Document

LONGEST_PROMPT_SHARE = 0.5
"""Prompts repeat in every report of a run: they get half of the length of an answer."""

ELEMENTS, OF_ANSWER, OF_TERM = 2_300, 17, 5
"""Elements of the page for the answers of the first list; those of one answer, and of one term."""
LEAST_ANSWERS = 2
MOST_TERMS = 8
"""Reward terms of an answer that are listed; the total has all of them."""


@dataclass(frozen=True)
class Limits:
    """How much of the texts is in the page.

    Args:
        answers: Answers per prompt that are shown before "show all".
        hidden: Answers per prompt that the page holds at all.
        longest: Signs of an answer.
        steps: Kept steps per prompt that can be picked.
        prompts: Prompts of the list drawn by seed.
        listed: Rows of every other list.
    """

    answers: int = 4
    hidden: int = 16
    longest: int = 20_000
    steps: int = 12
    prompts: int = 20
    listed: int = 4


def fitting(limits: Limits, n_prompts: int, n_terms: int) -> Limits:
    """Return limits under which the page stays light: fewer answers if each has many terms.

    Args:
        limits: What is wanted.
        n_prompts: Prompts of the list drawn by seed.
        n_terms: Reward terms.
    """
    elements = min(n_prompts, limits.prompts) * (OF_ANSWER + OF_TERM * min(n_terms, MOST_TERMS))
    most = max(LEAST_ANSWERS, ELEMENTS // max(1, elements))
    return replace(limits, answers=min(limits.answers, most))


def group_document(
    group: Group, names: Sequence[str], weights: Mapping[str, float], limits: Limits
) -> Document:
    """Return one prompt with its answers at one step.

    Args:
        group: The answers.
        names: Reward terms, in order.
        weights: By term.
        limits: How much is kept.
    """
    first = group.samples[0]
    rows = group.samples[: limits.hidden]
    known = [s.correct for s in group.samples if s.correct is not None]
    return {
        "step": group.step,
        "prompt_id": short(group.prompt_id),
        "context": first.context,
        "contexts": sorted({s.context for s in group.samples}),
        "prompt": prompt_document(first, limits),
        "gold": short(first.gold),
        "n": len(group.samples),
        "n_right": sum(known) if known else None,
        "n_judged": len(known),
        "mean_total": _mean([s.total for s in group.samples]),
        "answers": [answer_document(s, names, weights, limits) for s in rows],
    }


def prompt_document(sample: SampleRow, limits: Limits) -> Document:
    """Return the prompt that an answer was scored under, which is the plain one."""
    plain = sample.prompt if sample.scored_prompt is None else sample.scored_prompt
    return shortened(plain, int(LONGEST_PROMPT_SHARE * limits.longest))


def answer_document(
    sample: SampleRow, names: Sequence[str], weights: Mapping[str, float], limits: Limits
) -> Document:
    """Return one answer: its reward, term by term, and its text."""
    error = addition_error(sample, weights)
    parts = parts_of(sample, weights)
    scored = [name for name in names if name in sample.rewards]
    return {
        "step": sample.step,
        "index": sample.index,
        "context": sample.context,
        "terms": [
            {
                "name": name,
                "raw": sample.rewards[name],
                "weight": weights.get(name, 1.0),
                "part": parts[name],
            }
            for name in scored[:MOST_TERMS]
        ],
        "n_terms": len(scored),
        "total": sample.total,
        "adds_up": None if math.isnan(error) else error <= TOLERANCE,
        "error": error,
        "advantage": sample.advantage,
        "length": sample.length,
        "cut": sample.cut,
        "gold": short(sample.gold),
        "parsed": short(sample.parsed),
        "correct": sample.correct,
        "unscored": short(sample.unscored_reason),
        "text": shortened(sample.completion, limits.longest, sample.n_characters),
    }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
