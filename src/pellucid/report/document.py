"""The report as data: everything that `report.html` shows is a value in `report.json`.

Keys that other people's scripts rely on keep their names (`run`, `report`, `return`,
`explanations`, `excluded`, `warnings` and those inside); more may be added. What was not measured
is null with a `reason`.
"""

from collections.abc import Mapping
from typing import Any

from pellucid import __version__
from pellucid.budget import Cost
from pellucid.explanation import Curve, Explanation, Interval, Score
from pellucid.explanation.plots import Chart, content_chart, score_chart
from pellucid.explanation.rendering import decisive_score
from pellucid.explanation.wording import Fact, fact, fact_names
from pellucid.report import behaviour, overview, trust, words
from pellucid.report.html import render_html
from pellucid.report.record import RunRecord
from pellucid.report.said import Document, plain, said, said_with

SCHEMA = 1
HTML_NAME = "report.html"


def build_document(record: RunRecord) -> Document:
    """Return the report as one strict-JSON object.

    Args:
        record: One run of `explain`.
    """
    explanations = [
        _explanation_or_damage(explanation, position, record)
        for position, explanation in enumerate(record.explanations)
    ]
    document: Document = {
        "schema": SCHEMA,
        "written_by": f"pellucid {__version__}",
        "run": record.run_id,
        "report": HTML_NAME,
        "state": record.state,
        "banner": record.banner,
        "time": record.time,
        "command": record.command,
        "policy": record.episodes.policy,
        "seed": record.episodes.seed,
        "agent": _agent(record),
        "environment": _environment(record),
        "return": _return(record),
        "explanations": explanations,
        "excluded": behaviour.excluded(record),
        "warnings": list(record.warnings),
        "left_out": list(record.left_out),
        "episodes": behaviour.episodes(record),
        "strips": behaviour.strips(record),
        "inputs": behaviour.inputs(record),
        "budget": {
            "allowed": _cost(record.allowed),
            "used": _cost(record.used),
            "parts": _cost_parts(record),
        },
        "versions": dict(record.versions),
        "hashes": dict(record.hashes),
        "seconds": record.seconds,
    }
    document["identity"] = overview.identity(record)
    document["summary"] = overview.summary(record, explanations)
    document["trust"] = trust.trust(record, document)
    document["methods"] = words.methods_of(explanations)
    complete: Document = plain({**document, "words": []})
    if record.episodes.used:
        complete["words"] = words.words_of(render_html(record, complete, json_sha256=""))
    return complete


# --- parts ---


def _agent(record: RunRecord) -> Document:
    agent = record.agent
    return {
        "name": agent.name,
        "framework": agent.framework,
        "sha256": agent.sha256 or None,
        "observation_space": agent.observation_space,
        "action_space": agent.action_space,
        "capabilities": list(agent.capabilities),
        "n_parameters": agent.n_parameters or None,
        "purpose": agent.purpose,
    }


def _environment(record: RunRecord) -> Document | None:
    spec = record.episodes.spec
    if spec is None:
        return None
    return {
        "id": spec.id,
        "kwargs": plain(spec.kwargs),
        "wrappers": list(spec.wrappers),
        "max_steps": spec.max_steps,
        "reward_terms": spec.reward_terms,
    }


def _return(record: RunRecord) -> Document:
    returns = record.returns
    missing = "" if returns.measured else "fewer than two episodes could be scored"
    return {
        "mean": returns.value,
        "low": returns.low,
        "high": returns.high,
        "n": returns.n,
        "n_unscored": returns.n_unscored,
        "constant": returns.constant,
        "unit": record.episodes.names.reward_unit,
        "reason": missing,
    }


def _cost(cost: Cost) -> Document:
    return {
        "queries": cost.queries,
        "env_steps": cost.env_steps,
        "gradient_steps": cost.gradient_steps,
    }


def _cost_parts(record: RunRecord) -> list[Document]:
    """Return what each part cost; an explanation is called by its question, not its method."""
    questions = {e.method: e.question for e in record.explanations}
    return [
        {"name": name, "title": questions.get(name, name), **_cost(cost)}
        for name, cost in record.costs.items()
    ]


def _explanation_or_damage(explanation: Explanation, position: int, record: RunRecord) -> Document:
    """One damaged explanation becomes a card that says so; the rest of the page stands."""
    try:
        return _explanation(explanation, position, record.episodes.names.reward_unit)
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
                "allowed": _cost(explanation.allowed),
                **_cost(explanation.used),
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
        }
        return broken | said(
            "This explanation is damaged and is not shown: {error}.", error=message
        )


def _explanation(explanation: Explanation, position: int, unit: str) -> Document:
    scores = [_score(score) for score in explanation.faithfulness]
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
        "budget": {"allowed": _cost(explanation.allowed), **_cost(explanation.used)},
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
        "chart": _chart(content_chart(explanation.content, unit=unit)),
        "test_chart": _chart(score_chart(decisive_score(explanation))),
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


def _score(score: Score) -> Document:
    control = score.control
    missing = not score.interval.measured or not score.gap.measured
    return {
        "metric": score.metric,
        "label": score.label,
        **_interval(score.interval),
        "unit": score.unit,
        "direction": score.direction,
        "control": {"name": control.name, **_ends(control.interval)} if control else None,
        "gap": _ends(score.gap),
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
        "values": [_interval(point) for point in curve.values],
        "controls": [_interval(point) for point in curve.controls],
    }


def _ends(interval: Interval) -> Document:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _interval(interval: Interval) -> Document:
    counted = {
        "n": interval.n,
        "n_unscored": interval.n_unscored,
        "constant": interval.constant,
    }
    return _ends(interval) | counted


def _chart(chart: Chart | None) -> Any:
    return None if chart is None else {"form": chart.form, **plain(chart)}
