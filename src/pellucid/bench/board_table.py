"""Rows of boards as text for a terminal and as a page of the documentation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pellucid.bench.boards import BoardRow

COLUMNS = (
    "method",
    "case",
    "measure",
    "value",
    "goal",
    "control",
    "gap",
    "n",
    "p, corrected",
    "passed",
    "s",
)


def text(rows: Sequence[BoardRow]) -> str:
    """Return rows as lines for people."""
    if not rows:
        return "no registered explainer is of a kind that the board can score"
    return "\n".join(_line(asdict(row)) for row in rows)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return stored rows as a table.

    Args:
        rows: As `pellucid bench BOARD --json` printed them.
    """
    head = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    return "\n".join([*head, *(f"| {' | '.join(_cells(row))} |" for row in rows)])


def _line(row: Mapping[str, Any]) -> str:
    cells = dict(zip(COLUMNS, _cells(row), strict=True))
    start = f"{row['board']}  {row['method']}  {row['case']}  {row['label']}"
    if row["value"] is None:
        return f"{start}: not measured, {row['reason']}"
    corrected = f", corrected p {cells['p, corrected']}" if row["p_holm"] is not None else ""
    return (
        f"{start}: {cells['value']}, goal {cells['goal']}; control {cells['control']}, "
        f"gap {cells['gap']}, n {cells['n']}{corrected}  {cells['passed']}"
    ).rstrip()


def _cells(row: Mapping[str, Any]) -> list[str]:
    if row["value"] is None:
        blank = [""] * 3
        measured = [f"not measured: {row['reason']}", _goal(row), "", "", str(row["n"])]
        return [row["method"], row["case"], row["label"], *measured, *blank]
    unscored = f" ({row['n_unscored']} unscored)" if row["n_unscored"] else ""
    return [
        row["method"],
        row["case"],
        row["label"],
        _interval(row["value"], row["low"], row["high"]),
        _goal(row),
        f"{row['control']:.3g}",
        _interval(row["gap"], row["gap_low"], row["gap_high"]),
        f"{row['n']}{unscored}",
        "" if row["p_holm"] is None else f"{row['p_holm']:.2g}",
        {True: "passed", False: "failed", None: ""}[row["passed"]],
        f"{row['seconds']:.2g}",
    ]


def _goal(row: Mapping[str, Any]) -> str:
    return f"{'≥' if row['direction'] == 'higher' else '≤'} {row['goal']:g}"


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3g} ({low:.3g} to {high:.3g})"
