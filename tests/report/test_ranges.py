"""Inputs here beside those that were stored with the agent."""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.report.behaviour import inputs
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.ranges import compared, ranges_told
from pellucid.report.record import RunRecord
from tests.report import lunar
from tests.report.facts import problem, read

FREE = (-np.inf, np.inf)


def record_with(**facts: Any) -> RunRecord:
    record = lunar.lunar_record()
    return replace(record, agent=replace(record.agent, **facts))


def stored(widen: float = 0.0) -> RunRecord:
    """The agent, with the ranges that its inputs have here, moved by some of the first one's."""
    visited = lunar.lunar_record().episodes.visited.astype(float)
    low, high = visited.min(axis=0), visited.max(axis=0)
    moved = low.copy(), high.copy()
    for ends in moved:
        ends[0] += widen * (high[0] - low[0])
    ranges = tuple(zip(moved[0].tolist(), moved[1].tolist(), strict=True))
    return record_with(input_ranges=ranges, ranges_source="the 90 states stored with it")


def test_without_stored_ranges_nothing_is_said() -> None:
    record = record_with(input_bounds=((-1.5, 1.5), *[FREE] * 7))
    rows = compared(inputs(record), record)
    assert ranges_told(rows, record) is None
    assert rows[0]["bounds"] == {"low": -1.5, "high": 1.5}
    assert rows[1]["bounds"] is None
    assert all(row["stored"] is None and row["outside"] is None for row in rows)


def test_inputs_where_they_were_before_are_told() -> None:
    record = stored()
    rows = compared(inputs(record), record)
    assert {row["outside"] for row in rows} == {0.0}
    told: Any = ranges_told(rows, record)
    assert told["text"] == (
        f"Its {len(rows)} inputs are where they were before (the 90 states stored with it)."
    )


def test_an_input_that_is_elsewhere_is_named_with_its_share() -> None:
    record = stored(widen=2.0)
    rows = compared(inputs(record), record)
    assert rows[0]["outside"] == 100.0
    told: Any = ranges_told(rows, record)
    assert told["text"].startswith(f"1 of {len(rows)} inputs are often outside the range")
    assert rows[0]["name"] in told["text"]


def test_the_page_shows_both_ranges() -> None:
    record = stored(widen=2.0)
    document = build_document(record)
    page = render_html(record, document, json_sha256="")
    reader = read(page)
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
    words = re.sub(r"<[^>]+>", "", page)
    assert "are often outside the range that they had before" in words
    assert "and before: the 90 states stored with it" in words
    assert "no ranges were stored" not in words
