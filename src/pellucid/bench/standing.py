"""How explainers stand by the rows of the planted board, and the record of it that ships."""

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid import registry
from pellucid.faithfulness.standing import RECORD, Standing, Verdict, planted_hash, standing_of

__all__ = [
    "RECORD",
    "Standing",
    "Verdict",
    "planted_hash",
    "record_of",
    "standing_of",
    "told",
    "verdicts",
]


def verdicts(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Standing]:
    """Return how explainers stand by the rows of a board.

    Args:
        rows: As `pellucid bench planted --json` prints them.
        names: Explainers; one without a measured row is not measured.
    """
    return {name: _verdict([row for row in rows if row["method"] == name]) for name in names}


def record_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of pellucid's own explainers to ship with the package.

    Args:
        document: What `pellucid bench planted --json` printed.
    """
    own = [entry for entry in document["explainers"] if entry["from"] == "pellucid"]
    kept = ("standing", "failed", "unmeasured", "code")
    return {"explainers": {entry["method"]: {key: entry[key] for key in kept} for entry in own}}


def told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how every registered explainer stands, as a part of the board's document.

    Args:
        rows: As `pellucid bench planted --json` prints them.
    """
    loaded, _ = registry.load_all("explainers")
    items = registry.items("explainers")
    return [
        {
            "method": name,
            "from": items[name].source,
            "standing": standing.verdict,
            "failed": list(standing.failed),
            "unmeasured": list(standing.unmeasured),
            # the code of a plug-in is not ours to follow
            "code": planted_hash(items[name].module) if items[name].source == "pellucid" else None,
        }
        for name, standing in verdicts(rows, sorted(loaded)).items()
    ]


def _verdict(rows: Sequence[Mapping[str, Any]]) -> Standing:
    failed = tuple(_name(row) for row in rows if row["passed"] is False)
    unmeasured = tuple(_name(row) for row in rows if row["value"] is None)
    if failed:
        return Standing("failed", failed, unmeasured)
    passed = any(row["passed"] for row in rows)
    return Standing("passed" if passed else "not_measured", (), unmeasured)


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['case']}/{row['metric']}"
