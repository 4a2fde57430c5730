"""Rows as people read them."""

from dataclasses import replace

from pellucid.bench.harness import Row, Scale, document
from pellucid.bench.table import markdown, text

MEASURED = Row(
    suite="shapley",
    case="exact",
    peer="shap Exact",
    peer_version="0.51.0",
    ours_s=0.0125,
    peer_s=0.025,
    ratio=2.0,
    error_ours=0.0,
    error_peer=1e-30,
    evaluations_ours=10_810.25,
    evaluations_peer=10_749.0,
    threads=1,
    goal="at least 3 times as fast",
    met=False,
)
SKIPPED = Row("shapley", "chains", "captum", None, reason="captum is not installed")


def test_a_missed_goal_and_a_skipped_peer_are_said():
    first, second = text([MEASURED, SKIPPED]).splitlines()
    assert "2 times as fast (12.5 against 25 ms), 10810 against 10749 evaluations" in first
    assert first.endswith("goal: at least 3 times as fast: no")
    assert second == "shapley  chains  captum: skipped, captum is not installed"


def test_page_has_one_line_per_measured_row_and_names_the_rest():
    page = markdown("shapley", "What it is.", document([MEASURED, SKIPPED], Scale.full))
    assert page.startswith("## shapley\n\nWhat it is.\n\n| case |")
    (row,) = [line for line in page.splitlines() if line.startswith("| exact")]
    assert row.endswith("| 0 | 1e-30 | at least 3 times as fast | no |")
    assert "shap Exact (0.51.0)" in page
    assert page.endswith("Skipped: captum (captum is not installed).")


def test_threads_are_told_by_case_where_they_differ():
    assert "Threads: 1. With" in markdown("shapley", "", document([MEASURED], Scale.full))
    other = replace(MEASURED, case="chains", threads=2)
    page = markdown("shapley", "", document([other, MEASURED, other], Scale.full))
    assert "Threads: 1 (exact), 2 (chains). With" in page
    assert "Threads: none. With" in markdown("shapley", "", document([SKIPPED], Scale.full))
