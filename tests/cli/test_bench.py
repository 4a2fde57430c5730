"""`pellucid bench` on a suite that is over at once."""

import sys
import types

import pytest

from pellucid import bench
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
