"""The report as data: everything that `report.html` shows is a value in `report.json`.

Keys that other people's scripts rely on keep their names (`run`, `report`, `return`,
`explanations`, `excluded`, `warnings` and those inside); more may be added. What was not measured
is null with a `reason`.
"""

from pellucid import __version__
from pellucid.explanation import Explanation
from pellucid.report import behaviour, overview, trust, words
from pellucid.report.cards import card, chart_document, cost_document
from pellucid.report.changed_pictures import changed_picture_document
from pellucid.report.fitting import (
    PAGE_BYTES,
    Limits,
    page_part,
    tightening,
    with_fewer_frames,
)
from pellucid.report.html import render_html
from pellucid.report.licences import licences_of
from pellucid.report.moments import named_moments
from pellucid.report.pictures import picture_document
from pellucid.report.ranges import compared, ranges_told
from pellucid.report.record import RunRecord
from pellucid.report.said import Document, plain
from pellucid.report.timeline import shown_episodes, timeline

SCHEMA = 1
HTML_NAME = "report.html"


def build_document(record: RunRecord) -> Document:
    """Return the report as one strict-JSON object, made for a page that is small enough.

    Args:
        record: One run of `explain`.
    """
    unit = record.episodes.names.reward_unit
    explanations = [
        card(explanation, position, unit)
        for position, explanation in enumerate(record.explanations)
    ]
    shown = {position for position, _ in shown_episodes(record)}
    for described, explanation in zip(explanations, record.explanations, strict=True):
        described["picture"] = None if described["damaged"] else _picture(record, explanation)
        described["moments"] = [] if described["damaged"] else _moments(record, explanation, shown)
    for limits in tightening():
        document = _document(record, explanations, limits)
        page = render_html(record, document, json_sha256="")
        if len(page.encode()) <= PAGE_BYTES:
            break
    if record.episodes.used:
        document["words"] = words.words_of(page)
    return document


def _picture(record: RunRecord, explanation: Explanation) -> Document | None:
    found = picture_document(record, explanation)
    pictured: Document | None = plain(found or changed_picture_document(record, explanation))
    return pictured


def _document(record: RunRecord, explanations: list[Document], limits: Limits) -> Document:
    positions = [position for position, _ in shown_episodes(record)]
    fitted = with_fewer_frames(record, positions, limits)
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
        "timeline": timeline(fitted),
        "inputs": compared(behaviour.inputs(record), record),
        "terms": chart_document(behaviour.terms(record)),
        "budget": {
            "allowed": cost_document(record.allowed),
            "used": cost_document(record.used),
            "parts": _cost_parts(record),
        },
        "versions": dict(record.versions),
        "licences": licences_of(record.versions),
        "hashes": dict(record.hashes),
        "seconds": record.seconds,
    }
    told = ranges_told(document["inputs"], record)
    document["identity"] = {**overview.identity(record), "ranges": told}
    document["summary"] = overview.summary(record, explanations)
    document["trust"] = trust.trust(record, document)
    document["methods"] = words.methods_of(explanations)
    document["page"] = page_part(record, fitted, document, limits)
    complete: Document = plain({**document, "words": []})
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


def _moments(record: RunRecord, explanation: Explanation, shown: set[int]) -> list[Document]:
    """Return the moments of an explanation that the page shows, by the numbers of episodes."""
    return [
        {"episode": record.episodes.used[position].index, "step": step}
        for position, step in named_moments(explanation)
        if position in shown
    ]


def _cost_parts(record: RunRecord) -> list[Document]:
    """Return what each part cost; an explanation is called by its question, not its method."""
    questions = {e.method: e.question for e in record.explanations}
    return [
        {"name": name, "title": questions.get(name, name), **cost_document(cost)}
        for name, cost in record.costs.items()
    ]
