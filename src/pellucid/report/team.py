"""The report on a team: one row and one section per member, and one for all together.

Each member has a whole report of its own; this page says how each one does, what was found of it,
and leads there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid import __version__
from pellucid.explanation.outside import clip, visible
from pellucid.io import atomic, strict_json
from pellucid.report.document import HTML_NAME
from pellucid.report.overview import BADGE_ORDER
from pellucid.report.page import TITLE_LETTERS, Page, render_page
from pellucid.report.said import Document, said
from pellucid.report.write import JSON_NAME

SCHEMA = 1
TOGETHER = "all together"


@dataclass(frozen=True)
class TeamPart:
    """What there is of one member, or of all together.

    Args:
        member: Its id; empty for all together.
        document: What its `report.json` holds, None if there is none.
        report: Path of its page, from the team's.
        missing: Why there is none.
    """

    member: str
    document: Document | None
    report: str
    missing: str


def build_team_document(
    parts: Sequence[TeamPart],
    *,
    team: str,
    env: str,
    run_id: str,
    time: str,
    command: str,
    sha256: str,
    banner: str,
    seconds: float,
) -> Document:
    """Return the report on a team as one strict-JSON object.

    Its `return` is that of all together: the sum of the members' rewards.

    Args:
        parts: Of each member, and of all together.
        team: Name of the team.
        env: Name of its environment.
        run_id: Of the run.
        time: When it was made, ISO 8601 in UTC.
        command: What makes it again.
        sha256: Of the team.
        banner: One sentence, shown first; empty for none.
        seconds: Wall time.
    """
    rows = [_part(part) for part in parts]
    whole = next((p.document for p in parts if not p.member and p.document is not None), None)
    missing = "the team as a whole could not be run"
    document: Document = {
        "schema": SCHEMA,
        "kind": "team",
        "written_by": f"pellucid {__version__}",
        "run": run_id,
        "state": "partial" if banner else "finished",
        "report": HTML_NAME,
        "banner": banner,
        "time": time,
        "command": command,
        "agent": {"name": team, "sha256": sha256},
        "environment": {"id": env},
        "return": whole["return"]
        if whole is not None
        else {"mean": None, "low": None, "high": None, "n": 0, "reason": missing},
        "parts": rows,
        "explanations": [
            {"agent": part.member, **explanation}
            for part in parts
            if part.document is not None
            for explanation in part.document["explanations"]
        ],
        "excluded": [
            {"agent": part.member, **excluded}
            for part in parts
            if part.document is not None
            for excluded in part.document["excluded"]
        ],
        "warnings": _warnings(parts),
        "seconds": seconds,
        "about": _about(parts),
    }
    return document


def write_team_report(document: Document, folder: Path) -> tuple[Path, Document]:
    """Write `report.json` and `report.html`; return the path of the page and the document.

    In what is returned, `report` is the path as the user can open it.

    Raises:
        OSError: The folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = strict_json.dumps(document, indent=1) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    page = render_page(_TeamPage(document), template="team.html.j2", json_sha256=digest)
    atomic.write_text(folder / JSON_NAME, text)
    atomic.write_text(folder / HTML_NAME, page)
    return folder / HTML_NAME, {**document, "report": str(folder / HTML_NAME)}


def team_summary(document: Document) -> list[str]:
    """Return the lines that a terminal shows: one per member, and what was found of it."""
    lines = [f"Team {document['agent']['name']}, {document['environment']['id']}"]
    for part in document["parts"]:
        told = part["earns"]["text"] if part["earns"] is not None else part["missing"]
        counts = ", ".join(
            f"{part['badges'][badge]} {badge.replace('_', ' ')}"
            for badge in BADGE_ORDER
            if part["badges"].get(badge)
        )
        lines.append(f"{part['name']}: {told}{f' [{counts}]' if counts else ''}")
        lines += [
            f"  {found['text'][:1].upper()}{found['text'][1:]}" for found in part["found"][:1]
        ]
    return lines


class _TeamPage(Page):
    """What the template may call beside what every page offers."""

    def title(self) -> str:
        """Return the page's title: no markup is possible there, so only hidden signs matter."""
        agent, env = self.document["agent"]["name"], self.document["environment"]["id"]
        return clip(visible(f"{agent} in {env}"), TITLE_LETTERS)


# --- parts ---


def _part(part: TeamPart) -> Document:
    document = part.document
    if document is None:
        return {
            "member": part.member, "name": part.member or TOGETHER, "report": "", "earns": None,
            "missing": part.missing, "badges": {}, "found": [], "took": None,
        }  # fmt: skip
    return {
        "member": part.member,
        "name": part.member or TOGETHER,
        "report": part.report,
        "missing": "",
        "earns": _earns(document),
        "took": _took(document),
        "badges": {
            badge: sum(e["badge"] == badge for e in document["explanations"])
            for badge in BADGE_ORDER
        },
        "found": [_found(document["explanations"][i]) for i in document["summary"]["findings"]],
    }


def _found(explanation: Document) -> Document:
    kept = ("text", "template", "facts", "shown", "badge", "question", "does_not_say")
    return {key: explanation[key] for key in kept}


def _earns(document: Document) -> Document:
    told: Document = document["summary"]["performance"][0]
    return told


def _took(document: Document) -> Document:
    """Return how many episodes it took part in, and how many it left before their limit."""
    counts = document["episodes"]
    left = "was gone before their limit in {ended}"
    if not counts["terminated"]:
        left = "was there until their limit"
    return said(
        f"It took part in {{used}} of {{m}} episodes and {left}.",
        used=counts["used"],
        m=counts["attempted"],
        ended=counts["terminated"],
    )


def _warnings(parts: Sequence[TeamPart]) -> list[str]:
    found = [
        f"{part.member or TOGETHER}: {warning}"
        for part in parts
        if part.document is not None
        for warning in part.document["warnings"]
    ]
    return list(dict.fromkeys(found))


def _about(parts: Sequence[TeamPart]) -> list[Document]:
    n_members = sum(1 for part in parts if part.member)
    return [
        said(
            "Each of {n} members is explained in the world that the others are a part of: what "
            "they would do otherwise is not asked.",
            n=n_members,
        ),
        said("A member's episode lasts as long as it is there; later rewards are not counted."),
        said("All together act as one agent, and their rewards are added up."),
    ]
