"""One explanation as data: the card that reports show, with its tests and charts."""

from collections.abc import Mapping
from typing import Any

from pellucid.budget import Cost
from pellucid.explanation import Curve, Explanation, Interval, Score
from pellucid.explanation.plots import Chart, content_chart, score_chart
from pellucid.explanation.rendering import decisive_score
from pellucid.explanation.wording import Fact, fact, fact_names
from pellucid.report.by_action import by_action
from pellucid.report.said import Document, plain, said, said_with


def card(explanation: Explanation, position: int, unit: str) -> Document:
    """Return an explanation as data; a damaged one becomes a card that says so.

    Args:
        explanation: The explanation.
        position: Its place in the report, which its id is made of.
        unit: What one unit of return is called.
    """
    try:
        return _explanation(explanation, position, unit)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        broken: Document = {
            "method": str(explanation.method),
            "leaf": str(explanation.leaf),
            "question": str(explanation.question),
            "target": str(explanation.target),
            "badge": "not_measured",
            "decisive": None,
            "budget": {
                "allowed": cost_document(explanation.allowed),
                **cost_document(explanation.used),
            },
            "complete": False,
            "seconds": explanation.seconds,
            "faithfulness": [],
            "id": f"e{position}",
            "kind": None,
            "damaged": message,
            "reason": f"the stored explanation is damaged: {message}",
            "need": "make it again",
            "does_not_say": "",
            "policy": explanation.policy,
            "warnings": [],
            "chart": None,
            "test_chart": None,
            "by_action": None,
        }
        return broken | said(
            "This explanation is damaged and is not shown: {error}.", error=message
        )


def _explanation(explanation: Explanation, position: int, unit: str) -> Document:
    scores = [score_document(score) for score in explanation.faithfulness]
    if explanation.decisive is not None and decisive_score(explanation) is None:
        raise ValueError(f"the decisive score {explanation.decisive!r} is missing")
    return {
        "method": explanation.method,
        "leaf": explanation.leaf,
        "question": explanation.question,
        "target": explanation.target,
        **_sentence(explanation),
        "badge": explanation.badge,
        "decisive": explanation.decisive,
        "budget": {
            "allowed": cost_document(explanation.allowed),
            **cost_document(explanation.used),
        },
        "complete": explanation.complete,
        "seconds": explanation.seconds,
        "faithfulness": scores,
        "id": f"e{position}",
        "kind": explanation.content.kind if explanation.content is not None else None,
        "damaged": None,
        "reason": explanation.reason,
        "need": explanation.need,
        "does_not_say": explanation.does_not_say,
        "policy": explanation.policy,
        "seed": explanation.seed,
        "warnings": list(explanation.warnings),
        "chart": chart_document(content_chart(explanation.content, unit=unit)),
        "test_chart": chart_document(score_chart(decisive_score(explanation))),
        "by_action": by_action(explanation.content),
    }


def _sentence(explanation: Explanation) -> Document:
    """Return text, template, facts and what is shown, and check that they belong together."""
    facts: Mapping[str, Fact] = {
        "reason": fact(explanation.reason),
        "need": fact(explanation.need),
        **explanation.facts,
    }
    used = set(fact_names(explanation.template))
    kept = {n: f for n, f in facts.items() if n in used or n in explanation.facts}
    return said_with(explanation.template, kept)


def score_document(score: Score) -> Document:
    """Return a score as the document has it."""
    control = score.control
    missing = not score.interval.measured or not score.gap.measured
    return {
        "metric": score.metric,
        "label": score.label,
        **estimate_document(score.interval),
        "unit": score.unit,
        "direction": score.direction,
        "control": {"name": control.name, **ends(control.interval)} if control else None,
        "gap": ends(score.gap),
        "badge": score.badge,
        "reason": score.reason or ("no value was recorded" if missing else ""),
        "need": score.need,
        "role": score.role,
        "closed_loop": score.closed_loop,
        "applicable": score.applicable,
        "complete": score.complete,
        "value_unit": score.value_unit,
        "replacement": score.replacement,
        "curve": _curve(score.curve),
    }


def _curve(curve: Curve | None) -> Document | None:
    if curve is None:
        return None
    return {
        "axis": curve.axis,
        "levels": list(curve.levels),
        "values": [estimate_document(point) for point in curve.values],
        "controls": [estimate_document(point) for point in curve.controls],
    }


def ends(interval: Interval) -> Document:
    """Return value and ends of an interval."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def estimate_document(interval: Interval) -> Document:
    """Return an interval with what it rests on."""
    counted = {
        "n": interval.n,
        "n_unscored": interval.n_unscored,
        "constant": interval.constant,
    }
    return ends(interval) | counted


def chart_document(chart: Chart | None) -> Any:
    """Return a chart as the document has it, None if there is none."""
    return None if chart is None else {"form": chart.form, **plain(chart)}


def cost_document(cost: Cost) -> Document:
    """Return a cost as the document has it."""
    return {
        "queries": cost.queries,
        "env_steps": cost.env_steps,
        "gradient_steps": cost.gradient_steps,
    }
