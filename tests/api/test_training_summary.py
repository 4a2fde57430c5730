"""The summary of a run: paired changes with intervals that few prompts deserve."""

import math
from pathlib import Path

import pytest

from pellucid.api.training_summary import idle_parts, summary_text, training_document
from pellucid.posttrain.recording import EvaluationRow, RunHead, RunRecord, UpdateRow
from pellucid.stats import proportion_interval


def record(
    before: list[int], after: list[int], *, n: int = 4, method: str = "plain", **extra: float
) -> RunRecord:
    rows = [EvaluationRow("before", 0, f"e{i}", n, c) for i, c in enumerate(before)]
    rows += [EvaluationRow("after", 2, f"e{i}", n, c) for i, c in enumerate(after)]
    updates = tuple(UpdateRow(s, rewards={"right": s / 2}, extra=extra) for s in (1, 2))
    head = RunHead("r", engine="native", method=method, reward_weights={"right": 1.0})
    return RunRecord(head, "finished", seconds=3.0, updates=updates, evaluations=tuple(rows))


def test_changes_are_paired_by_prompt() -> None:
    document = training_document(Path("r"), record([0, 0, 4, 2], [4, 2, 4, 0]), k=(1, 4))
    success = document["success"]
    assert (success["before"]["value"], success["after"]["value"]) == (0.375, 0.625)
    assert success["gain"]["value"] == 0.25
    assert success["gain"]["n"] == 4
    # pass@4 of 4 samples: whether any is right
    assert document["pass_at_k"][1]["before"]["value"] == 0.5
    assert document["pass_at_k"][1]["after"]["value"] == 0.75
    assert (document["newly_solved"], document["no_longer_solved"]) == (2, 1)
    (row,) = document["rewards"]
    assert (row["first"], row["last"]) == (0.5, 1.0)


def test_a_few_equal_prompts_are_not_certain() -> None:
    document = training_document(Path("r"), record([0] * 4, [0] * 4), k=())
    expected = proportion_interval(0, 4)
    assert document["success"]["before"]["high"] == expected.high
    gain = document["success"]["gain"]
    assert (gain["low"], gain["value"], gain["high"]) == (-expected.high, 0.0, expected.high)


def test_intervals_stay_within_what_shares_can_be() -> None:
    document = training_document(Path("r"), record([0, 4, 4], [4, 4, 4]), k=())
    for part in ("before", "after"):
        assert 0 <= document["success"][part]["low"] <= document["success"][part]["high"] <= 1
    assert document["success"]["gain"]["high"] <= 1


def test_nothing_asked_is_not_measured() -> None:
    document = training_document(Path("r"), record([], []), k=(1,))
    assert math.isnan(document["success"]["gain"]["value"])
    assert "not measured (held-out prompts were not asked" in summary_text(document)


@pytest.mark.parametrize(
    ("method", "name", "idle", "busy"),
    [
        ("self-explanation", "n_explained", 0.0, 1.0),
        ("guidance", "share_guided", 0.0, 0.5),
        ("explanation-preference", "n_pairs", 0.0, 2.0),
        ("entropy-modulation", "mean_steps", 1.0, 3.0),
    ],
)
def test_a_method_whose_own_part_never_acted_is_said(
    method: str, name: str, idle: float, busy: float
) -> None:
    asleep = record([0], [0], method=method, **{name: idle})
    assert "the recipe alone was at work" in idle_parts(asleep)[0]
    assert "Warning:" in summary_text(training_document(Path("r"), asleep, k=()))
    assert idle_parts(record([0], [0], method=method, **{name: busy})) == []
    assert idle_parts(record([0], [0], method=method)) == []
