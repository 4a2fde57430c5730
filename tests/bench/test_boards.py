"""Boards: Holm's correction, what passes, and how rows are shown."""

from dataclasses import asdict, replace

import pytest

from pellucid.bench import board_table
from pellucid.bench.boards import BoardRow, document, judged
from pellucid.bench.harness import Scale

ROW = BoardRow(
    board="planted",
    case="linear-rule",
    leaf="C2",
    method="shapley",
    source="pellucid",
    target="action",
    metric="recall",
    label="planted inputs on top",
    direction="higher",
    goal=0.9,
    control_name="random order",
    value=1.0,
    low=0.95,
    high=1.0,
    control=0.4,
    gap=0.6,
    gap_low=0.5,
    gap_high=0.7,
    n=12,
    p=0.01,
    seconds=0.5,
)
UNMEASURED = replace(
    ROW, value=None, low=None, high=None, control=None, gap=None, gap_low=None, gap_high=None,
    n=0, n_unscored=12, p=None, reason="it needs gradients",
)  # fmt: skip


def test_p_values_are_corrected_by_holm_over_the_measured_rows():
    rows = [replace(ROW, p=p) for p in (0.01, 0.04, 0.03)]
    found = judged([*rows, UNMEASURED])
    # 3 * 0.01; 2 * 0.03; the largest may not fall below the one before it
    assert [row.p_holm for row in found[:3]] == pytest.approx([0.03, 0.06, 0.06])
    assert [row.passed for row in found] == [True, False, False, None]
    assert found[3].p_holm is None


@pytest.mark.parametrize(
    ("value", "goal", "direction", "passed"),
    [
        (0.9, 0.9, "higher", True),
        (0.89, 0.9, "higher", False),
        (0.01, 0.01, "lower", True),
        (0.02, 0.01, "lower", False),
    ],
)
def test_a_row_passes_if_its_mean_meets_the_goal(value, goal, direction, passed):
    (row,) = judged([replace(ROW, value=value, goal=goal, direction=direction)])
    assert row.passed is passed


def test_rows_have_the_columns_of_the_contract():
    (made,) = document([ROW], Scale.full)["rows"]
    contract = "board case leaf method metric value low high gap_low gap_high n control seconds"
    assert set(contract.split()) <= set(made)


def test_text_tells_value_control_and_outcome_and_why_something_is_missing():
    first, second = board_table.text([*judged([ROW]), UNMEASURED]).splitlines()
    assert first.startswith("planted  shapley  linear-rule  planted inputs on top: 1 (0.95 to 1)")
    assert "goal ≥ 0.9; control 0.4, gap 0.6 (0.5 to 0.7), n 12, corrected p 0.01" in first
    assert first.endswith("passed")
    assert second.endswith("not measured, it needs gradients")
    assert "no registered explainer" in board_table.text([])


def test_the_table_has_a_line_of_equal_width_for_every_row():
    rows = [asdict(row) for row in (*judged([replace(ROW, value=0.5)]), UNMEASURED)]
    head, rule, failed, missing = board_table.markdown(rows).splitlines()
    assert {line.count("|") for line in (head, rule, failed, missing)} == {12}
    assert "| failed |" in failed
    assert "| not measured: it needs gradients |" in missing
