"""Rows of comparisons as text for a terminal and as a page of the documentation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pellucid.bench.harness import Row

COLUMNS = (
    "case",
    "peer",
    "times as fast",
    "ours, ms",
    "peer, ms",
    "evaluations, ours",
    "evaluations, peer",
    "error, ours",
    "error, peer",
    "goal",
    "met",
)


def text(rows: Sequence[Row]) -> str:
    """Return rows as lines for people, with what was skipped at the end."""
    lines = []
    for row in map(asdict, rows):
        if row["ours_s"] is None:
            lines.append(f"{row['suite']}  {row['case']}  {row['peer']}: skipped, {row['reason']}")
            continue
        cells = dict(zip(COLUMNS, _cells(row), strict=True))
        goal = f"  goal: {cells['goal']}: {cells['met'] or row['reason']}" if row["goal"] else ""
        seconds = f"{cells['ours, ms']} against {cells['peer, ms']} ms"
        told = [f"{cells['times as fast']} times as fast ({seconds})"]
        if row["evaluations_ours"] is not None:
            counts = (cells["evaluations, ours"], cells["evaluations, peer"])
            told.append(f"{' against '.join(counts)} evaluations")
        if row["error_ours"] is not None:
            told.append(f"error {cells['error, ours']} against {cells['error, peer']}")
        lines.append(f"{row['suite']}  {cells['case']}  {cells['peer']}: {', '.join(told)}{goal}")
    return "\n".join(lines)


def markdown(name: str, about: str, document: Mapping[str, Any]) -> str:
    """Return a stored result as a section of a page.

    Args:
        name: The suite.
        about: What its unit of work and its error are.
        document: What `pellucid bench --json` printed.
    """
    measured = [row for row in document["rows"] if row["ours_s"] is not None]
    skipped = [row for row in document["rows"] if row["ours_s"] is None]
    head = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    table = [f"| {' | '.join(_cells(row))} |" for row in measured]
    packages = dict(
        sorted((row["peer"], row["peer_version"]) for row in measured if row["peer_version"])
    )
    told = ", ".join(f"{peer} ({version})" for peer, version in packages.items()) or "none"
    threads = _threads(measured)
    made_with = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    setup = f"Peers and their versions: {told}. Threads: {threads}. With {made_with}."
    parts = [f"## {name}", about, "\n".join([*head, *table]), setup]
    if skipped:
        parts.append("Skipped: " + "; ".join(f"{r['peer']} ({r['reason']})" for r in skipped) + ".")
    return "\n\n".join(parts)


def _threads(measured: Sequence[Mapping[str, Any]]) -> str:
    """Return the number of threads, and of which cases it is if they differ."""
    cases: dict[int, list[str]] = {}
    for row in measured:
        cases.setdefault(row["threads"], []).append(row["case"])
    if len(cases) <= 1:
        return ", ".join(map(str, cases)) or "none"
    parts = [f"{n} ({'; '.join(dict.fromkeys(named))})" for n, named in sorted(cases.items())]
    return ", ".join(parts)


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["case"],
        row["peer"],
        _shown(row["ratio"], 1.0),
        _shown(row["ours_s"], 1e3),
        _shown(row["peer_s"], 1e3),
        _count(row["evaluations_ours"]),
        _count(row["evaluations_peer"]),
        _shown(row["error_ours"], 1.0),
        _shown(row["error_peer"], 1.0),
        row["goal"] or "",
        {True: "yes", False: "no", None: ""}[row["met"]],
    ]


def _shown(value: float | None, factor: float) -> str:
    return "" if value is None else f"{value * factor:.3g}"


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
