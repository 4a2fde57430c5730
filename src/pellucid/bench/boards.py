"""Boards: measured explainers, each against its control, corrected for how many rows there are."""

import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from pellucid.bench import BOARDS
from pellucid.bench.harness import NoteFn, Scale
from pellucid.explanation.score import Direction
from pellucid.provenance import versions
from pellucid.stats import holm

SIGNIFICANCE = 0.05
"""Largest corrected p-value at which a row counts as better than its control."""


@dataclass(frozen=True)
class BoardRow:
    """One explainer by one measure in one case. What is not measured is None.

    Args:
        board: Name of the board.
        case: What it was put to.
        leaf: The explainer's leaf of the taxonomy.
        method: Its name.
        source: `pellucid`, or the distribution of the plug-in that it comes from.
        target: What it was asked to explain.
        metric: What was measured; unique in its case.
        label: The same in words.
        direction: Which values are better.
        goal: The worst mean that passes.
        control_name: What the control is, in words.
        value: Mean over units.
        low: Lower end of its 95 % interval.
        high: Upper end.
        control: Mean of the control on the same units.
        gap: Mean paired difference to the control; above 0 is better.
        gap_low: Lower end of its 95 % interval.
        gap_high: Upper end.
        n: Units measured.
        n_unscored: Units that could not be.
        p: Of no gap, before correction: a one-sided sign-flip test.
        p_holm: The same corrected for all measured rows of the board.
        passed: Whether the goal is met and `p_holm` is at most 0.05.
        seconds: One unit, explained and scored with its controls, mean.
        reason: Why something is not measured; empty if all is.
    """

    board: str
    case: str
    leaf: str
    method: str
    source: str
    target: str
    metric: str
    label: str
    direction: Direction
    goal: float
    control_name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    control: float | None = None
    gap: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None
    n: int = 0
    n_unscored: int = 0
    p: float | None = None
    p_holm: float | None = None
    passed: bool | None = None
    seconds: float | None = None
    reason: str = ""


def run_board(name: str, *, scale: Scale, note: NoteFn) -> tuple[BoardRow, ...]:
    """Return the rows of one of `BOARDS`."""
    rows: tuple[BoardRow, ...] = importlib.import_module(BOARDS[name]).run(scale, note)
    return rows


def judged(rows: Sequence[BoardRow]) -> tuple[BoardRow, ...]:
    """Return rows with corrected p-values and whether each passed.

    Args:
        rows: All rows of a board; those that were not measured do not count in the correction.

    Source: Holm 1979.
    """
    raw = np.array([np.nan if row.p is None else row.p for row in rows], dtype=np.float64)
    return tuple(
        row if row.p is None else replace(row, p_holm=float(p), passed=_passed(row, float(p)))
        for row, p in zip(rows, holm(raw), strict=True)
    )


def document(rows: Sequence[BoardRow], scale: Scale) -> dict[str, Any]:
    """Return rows as `pellucid bench BOARD --json` prints them."""
    return {"rows": [asdict(row) for row in rows], "scale": scale.value, "versions": versions()}


def _passed(row: BoardRow, p_holm: float) -> bool:
    assert row.value is not None
    met = row.value >= row.goal if row.direction == "higher" else row.value <= row.goal
    return met and p_holm <= SIGNIFICANCE
