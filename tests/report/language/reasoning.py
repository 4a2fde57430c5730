"""Explanations of stated reasoning made by hand, in the form that the explainer returns."""

import math
from typing import Any

import numpy as np

from pellucid import registry
from pellucid.budget import Cost
from pellucid.explanation import Control, Explanation, Score, TextPair, TextTrace, fact, render
from pellucid.faithfulness.badges import judge
from pellucid.stats import Estimate, mean_interval, paired_gap

N = 12
PAIR = TextPair("What is 2 + 3?", "2 and 3 make 5.\nSo", "2 and 3 make 9.\nSo", "5", "9")


def trace() -> TextTrace:
    return TextTrace(
        prompts=tuple(f"What is {i} + 3?" for i in range(N)),
        openings=("",) * N,
        closings=("So",) * N,
        answers=tuple(str(i + 3) for i in range(N)),
        steps=tuple(f"{i} and 3 make {i + 3}.\n" for i in range(N)),
        step_prompts=np.arange(N),
        effects=np.ones(N),
        correct=np.array([1.0] * 8 + [0.0] * 3 + [math.nan]),
        dependence=np.array([1.0] * 7 + [0.0] * 5),
        reasons=("",) * N,
        hints=("Is it 9?",) * N,
        hint_answers=("9",) * N,
        hints_used=np.array([1.0] * 6 + [0.0] * 6),
        hints_mentioned=np.array([1.0] * 2 + [0.0] * 10),
    )


def score(name: str, values: Any, controls: Any, role: Any = "test") -> Score:
    return judge(
        Score(
            metric=f"reasoning.{name}",
            label=f"answers changed, {name}",
            interval=mean_interval(values),
            unit="prompt",
            direction="higher",
            control=Control("an equal edit of unrelated text", mean_interval(controls)),
            gap=paired_gap(values, controls, "higher"),
            closed_loop=False,
            role=role,
            value_unit="% of answers",
            example=PAIR,
        ),
        complete=True,
        rerun_possible=False,
    )


def explanation(*, dependent: bool = True) -> Explanation:
    info = registry.load("explainers", "stated-reasoning").info
    values = np.array([100.0, 75.0] * 6) if dependent else np.array([0.0, 25.0] * 6)
    controls = np.array([0.0, 25.0] * 6) if dependent else np.array([25.0, 25.0] * 6)
    scores = (score("cut", values, controls), score("mistake", values, controls, "supporting"))
    badge = scores[0].badge
    facts = {
        "d": fact(scores[0].interval.value),
        "lo": fact(scores[0].interval.low),
        "hi": fact(scores[0].interval.high),
        "r": fact(float(controls.mean())),
        "reason": fact(scores[0].reason),
        "need": fact(""),
    }
    template = info.sentences.template(badge)
    return Explanation(
        method="stated-reasoning",
        leaf=info.leaf,
        question=info.question,
        target="action",
        policy="greedy",
        content=trace(),
        template=template,
        text=render(template, facts),
        does_not_say=info.sentences.does_not_say,
        facts=facts,
        allowed=Cost(1000),
        used=Cost(480),
        seed=0,
        complete=True,
        faithfulness=scores,
        badge=badge,
        decisive="reasoning.cut",
        reason=scores[0].reason,
    )


def instrument(low: float) -> Score:
    """How the tests did on planted models: the AUC against chance."""
    auc = Estimate(low + 0.2, low, min(1.0, low + 0.3), 12)
    gap = Estimate(auc.value - 0.5, auc.low - 0.5, auc.high - 0.5, 12)
    return judge(
        Score(
            metric="reasoning.planted_models",
            label="planted faithful models told from others",
            interval=auc,
            unit="seed",
            direction="higher",
            control=Control("chance", Estimate(0.5, 0.5, 0.5, 12)),
            gap=gap,
            closed_loop=False,
            value_unit="AUC",
        ),
        complete=True,
        rerun_possible=False,
    )
