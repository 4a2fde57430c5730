"""The findings of the report as explanations, each with the test that decides its badge.

They are put to the same rule as explanations of agents (`faithfulness.badges`): a finding that does
not beat its control is called failed, whatever its number is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from pellucid.budget import Cost
from pellucid.explanation import Explanation, Score, fact, render
from pellucid.explanation.content import Summary
from pellucid.explanation.contract import MetricInfo
from pellucid.explanation.score import Control
from pellucid.explanation.wording import Fact, Sentences
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.report.language.gain import PERCENT, held_out, percent, success
from pellucid.report.language.progress import GOLD, TOTAL, of_term, trends
from pellucid.report.language.record import LanguageRecord
from pellucid.stats import mean_share_interval


class Method(NamedTuple):
    """How a finding is called and worded."""

    name: str
    leaf: str
    question: str
    sentences: Sentences
    test: MetricInfo


GAIN = Method(
    "held-out-gain",
    "D",
    "Can it do what it could not?",
    Sentences(
        supported="On {n} held-out prompts right answers rose from {r} % to {v} %: {d} points "
        "more ({lo} to {hi}).",
        weak="On {n} held-out prompts right answers may have risen from {r} % to {v} %, but the "
        "difference could be zero ({lo} to {hi} points).",
        thin="On {n} held-out prompts right answers may have risen from {r} % to {v} %; weak, "
        "since {reason}.",
        failed="Held-out answers did not get better: {v} % right after training, {r} % before "
        "({d} points, {lo} to {hi}).",
        not_measured="Whether held-out answers got better was not tested: {reason}. To test it: "
        "{need}.",
        does_not_say="that it would do so on other kinds of prompts",
    ),
    MetricInfo(
        "held_out_success",
        Summary,
        "right answers to the same held-out prompts",
        "higher",
        "prompt",
        "test",
        True,
        "paired by prompt",
    ),
)

TOGETHER = Method(
    "reward-and-success",
    "B",
    "Did right answers rise with the reward?",
    Sentences(
        supported="Right answers rose by {d} points ({lo} to {hi}) while the total reward changed "
        "by {t}.",
        weak="Right answers may have risen by {d} points, but the change could be zero "
        "({lo} to {hi}); the total reward changed by {t}.",
        thin="Right answers may have risen by {d} points ({lo} to {hi}); weak, since {reason}.",
        failed="No: the total reward changed by {t} and right answers by {d} points ({lo} to "
        "{hi}).",
        not_measured="Whether right answers rose with the reward was not tested: {reason}. To "
        "test it: {need}.",
        does_not_say="that the reward is what made the answers right",
    ),
    MetricInfo(
        "training_success",
        Summary,
        "right answers late in training, against early",
        "higher",
        "update",
        "test",
        True,
        "early and late windows, Welch 1947",
    ),
)


def explanation(
    method: Method,
    scores: tuple[Score, ...],
    *,
    complete: bool = True,
    seed: int = 0,
    facts: Mapping[str, Fact] | None = None,
    broken: str = "",
) -> Explanation:
    """Return a finding with its badge and its sentence.

    Args:
        method: How it is called and worded.
        scores: Its decisive score first; badges are set here.
        complete: Whether the run reached its planned end.
        seed: Seed of the report's own choices.
        facts: What the sentences use beside the facts of the decisive score.
        broken: Why the finding's own arithmetic does not hold; empty if it does.
    """
    judged = tuple(judge(s, complete=complete, rerun_possible=False) for s in scores)
    decisive = judged[0]
    badge, reason = decisive.badge, decisive.reason
    if broken and badge != "not_measured":
        badge, reason = "failed", broken
    told = {**_facts(decisive), "reason": fact(reason), "need": fact(decisive.need)}
    told |= facts or {}
    reaches_zero = not decisive.gap.low > 0
    template = method.sentences.template(badge, reaches_zero=reaches_zero)
    return Explanation(
        method=method.name,
        leaf=method.leaf,
        question=method.question,
        target="return",
        policy="sampled",
        content=None,
        template=template,
        text=render(template, told),
        does_not_say=method.sentences.does_not_say if badge != "not_measured" else "",
        facts=told,
        allowed=Cost(),
        used=Cost(),
        seed=seed,
        complete=complete,
        faithfulness=judged,
        badge=badge,
        decisive=decisive.metric,
        reason=reason,
        need=decisive.need,
    )


def _facts(score: Score) -> dict[str, Fact]:
    control = score.control.interval if score.control is not None else None
    return {
        "v": fact(score.interval.value),
        "d": fact(score.gap.value),
        "lo": fact(score.gap.low),
        "hi": fact(score.gap.high),
        "r": fact(control.value if control is not None else float("nan")),
        "n": fact(score.gap.n),
    }


# --- held-out success ---


def gain(record: LanguageRecord) -> Explanation:
    """Return whether held-out answers got better, paired by prompt."""
    complete = record.run.state == "finished" and bool(record.run.evaluated("after"))
    return explanation(GAIN, (_gain_score(record),), complete=complete, seed=record.seed)


def _gain_score(record: LanguageRecord) -> Score:
    found = held_out(record.run)
    need = "train with held-out prompts that are asked before and after"
    if not found.after:
        absent = record.run.absent.get("evaluations", "no held-out evaluation was recorded")
        return missing_score(GAIN.test, absent, need)
    if not found.before:
        return missing_score(GAIN.test, "no evaluation was made before training", need)
    if len(found.before) != len(found.after):
        return missing_score(GAIN.test, "the two evaluations share no prompt", need)
    before, after = success(found.before), success(found.after)
    score = paired_score(
        GAIN.test, after, before, "before training", value_unit="% of answers right"
    )
    # that all of a few prompts are right does not say that all prompts would be
    control = Control("before training", percent(mean_share_interval(before / PERCENT)))
    interval = percent(mean_share_interval(after / PERCENT))
    return replace(score, interval=interval, control=control)


# --- reward and success together ---


def together(record: LanguageRecord) -> Explanation:
    """Return whether right answers rose during training, beside the reward."""
    found = trends(record)
    gold, total = of_term(found, GOLD), of_term(found, TOTAL)
    if not gold.change.measured:
        score = missing_score(TOGETHER.test, *_why_no_trend(record))
        return explanation(TOGETHER, (score,), seed=record.seed, facts={"t": fact(0.0)})
    score = Score(
        metric=TOGETHER.test.name,
        label=TOGETHER.test.label,
        interval=percent(gold.late),
        unit=gold.unit,
        direction="higher",
        control=Control("early in training", percent(gold.early)),
        gap=percent(gold.change),
        closed_loop=True,
        value_unit="% of answers right",
    )
    return explanation(
        TOGETHER,
        (score,),
        complete=record.run.state == "finished",
        seed=record.seed,
        facts={"t": fact(total.change.value)},
    )


def _why_no_trend(record: LanguageRecord) -> tuple[str, str]:
    known = any(s.correct is not None for s in record.run.samples) or any(
        u.gold_success == u.gold_success for u in record.run.updates
    )
    if not known:
        return (
            "the record does not say which answers are right",
            "mark them as right or wrong, or give gold and parsed answers",
        )
    return "there are too few updates to tell early from late", "record more updates"
