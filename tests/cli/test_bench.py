"""`pellucid bench` on a suite that is over at once."""

import sys
import types
from dataclasses import replace

import pytest

from pellucid import bench
from pellucid.bench.boards import BoardRow, judged
from pellucid.bench.harness import Row


@pytest.fixture
def suite(monkeypatch):
    """A suite whose rows are known."""
    made = types.ModuleType("toy_suite")

    def run(scale, note):
        note(f"toy at {scale}")
        return (
            Row("toy", "sum", "slow", "1.0", ours_s=1.0, peer_s=3.0, ratio=3.0, threads=1),
            Row("toy", "sum", "absent", None, reason="absent is not installed"),
        )

    made.run = run
    monkeypatch.setitem(sys.modules, "toy_suite", made)
    monkeypatch.setattr(bench, "SUITES", {"toy": "toy_suite"})
    monkeypatch.setattr("pellucid.bench.harness.SUITES", {"toy": "toy_suite"})


def test_json_is_one_document_with_null_for_what_is_not_measured(command, suite):
    outcome = command("bench", "toy", "--json", "--scale", "smoke")
    assert (outcome.code, outcome.err) == (0, "")
    measured, skipped = outcome.json["rows"]
    assert measured["ratio"] == 3.0
    assert skipped["peer_s"] is None
    assert skipped["reason"] == "absent is not installed"
    assert outcome.json["scale"] == "smoke"


def test_text_names_what_was_skipped_and_notes_go_to_stderr(command, suite):
    outcome = command("bench")
    assert outcome.code == 0
    assert "toy at full" in outcome.err
    assert "skipped, absent is not installed" in outcome.out


@pytest.mark.parametrize("arguments", [("bench", "shaply"), ("bench", "--scale", "huge")])
def test_f62_unknown_names_are_bad_input(command, suite, arguments):
    outcome = command(*arguments)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert "unknown" in outcome.err


@pytest.fixture
def board(monkeypatch):
    """The planted board with two known rows of one explainer."""
    made = types.ModuleType("toy_board")

    def run(scale, note):
        note(f"board at {scale}")
        known = {"board": "planted", "leaf": "C2", "method": "shapley", "source": "pellucid"}
        known |= {"target": "action", "metric": "recall", "label": "found", "goal": 0.9}
        row = BoardRow(**known, case="easy", direction="higher", control_name="chance")
        numbers = {"low": 0.0, "high": 1.0, "control": 0.2, "gap": 0.8, "gap_low": 0.7}
        passed = replace(row, value=1.0, gap_high=0.9, n=12, p=0.001, seconds=1.0, **numbers)
        return judged([passed, replace(passed, case="hard", value=0.5)])

    made.run = run
    monkeypatch.setitem(sys.modules, "toy_board", made)
    monkeypatch.setattr("pellucid.bench.boards.BOARDS", {"planted": "toy_board"})


def test_a_board_prints_its_rows_and_who_failed(command, board):
    outcome = command("bench", "planted", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert [row["passed"] for row in outcome.json["rows"]] == [True, False]
    told = {entry["method"]: entry for entry in outcome.json["explainers"]}
    assert told["shapley"]["standing"] == "failed"
    assert told["shapley"]["failed"] == ["hard/recall"]
    assert told["why-not"]["standing"] == "not_measured"


def test_a_board_as_text_ends_with_who_failed(command, board):
    outcome = command("bench", "planted", "--scale", "smoke")
    assert outcome.code == 0
    assert "board at smoke" in outcome.err
    assert outcome.out.splitlines()[-1] == "shapley fails its planted truth: recall on hard"


def test_comparisons_alone_run_when_no_suite_is_named(command, suite, board):
    outcome = command("bench", "--json")
    assert {row["suite"] for row in outcome.json["rows"]} == {"toy"}
    assert "planted" in command("bench", "plantd").err
