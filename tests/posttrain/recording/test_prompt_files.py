"""JSONL of prompts, completions and rewards: what it says is read, what it lacks stays unknown."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import DataError
from pellucid.posttrain.recording import KeepLimits, import_jsonl, open_record


def jsonl(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows) + "\n")
    return path


def test_one_completion_per_line(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path,
        {"prompt": "1+1=", "completion": "2", "reward": 1, "step": 0, "answer": 2, "correct": True},
        {"prompt": "1+1=", "completion": "3", "reward": 0, "step": 0, "answer": "2"},
        '{"prompt": "2+2=", "completion": "4", "reward": NaN, "step": 5, "advantage": -0.5}',
    )
    record = open_record(path)
    first, second, third = record.samples
    assert (first.gold, first.correct, first.total) == ("2", True, 1.0)
    assert second.correct is None
    assert first.prompt_id == second.prompt_id != third.prompt_id
    assert math.isnan(third.rewards["reward"])
    assert third.advantage == -0.5
    assert [row.step for row in record.updates] == [0, 5]
    assert record.updates[0].rewards == {"reward": 0.5}
    assert record.updates[0].gold_success == 1.0
    assert record.updates[0].n_groups_without_signal == 0
    assert record.updates[1].n_unscored == 1
    assert math.isnan(record.updates[0].kl)
    assert set(record.absent) == {"tokens", "evaluations"}


def test_a_group_per_line_and_messages(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path,
        {
            "prompt": [{"role": "user", "content": "1+1="}],
            "completions": [[{"role": "assistant", "content": "2"}], "3"],
            "rewards": [{"correct": 1.0, "format": 0.0}, {"correct": None, "format": 1.0}],
        },
    )
    first, second = import_jsonl(path).samples
    assert (first.prompt, first.completion, second.completion) == ("1+1=", "2", "3")
    assert first.rewards == {"correct": 1.0, "format": 0.0}
    assert math.isnan(second.rewards["correct"])
    assert math.isnan(first.total)  # the weights are unknown
    assert (first.index, second.index) == (0, 1)


@pytest.mark.parametrize(
    ("row", "what", "hint"),
    [
        ({"prompt": "a"}, "line 2: the column 'completion' is missing", "columns: prompt"),
        ({"prompt": "a", "response": "b"}, "'completion' is missing", "rename 'response'"),
        ({"promt": "a", "completion": "b"}, "'prompt' is missing", "rename 'promt' to 'prompt'"),
        ({"prompt": "a", "completion": 3}, "column 'completion': expected text", None),
        ({"prompt": "a", "completion": "b", "reward": "1"}, "expected a number, got '1'", None),
        ({"prompt": "a", "completion": "b", "reward": True}, "expected a number, got True", None),
        ({"prompt": "a", "completion": "b", "step": -1}, "expected a number from 0", None),
        ({"prompt": "a", "completion": "b", "step": 1.5}, "expected a whole number", None),
        ({"prompt": "a", "completion": "b", "context": "x"}, "expected plain, hinted", None),
        ({"prompt": "a", "completions": "b"}, "expected a list", None),
        ({"prompt": "a", "completions": ["b"], "rewards": [1, 2]}, "expected a list of 1", None),
        ("[1]", "expected an object", None),
        ("{", "line 2 is not strict JSON", None),
        ('{"prompt": "a", "prompt": "b"}', "the key 'prompt' occurs twice", None),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, row: Any, what: str, hint: str | None
) -> None:
    path = jsonl(tmp_path, {"prompt": "a", "completion": "b"}, row)
    with pytest.raises(DataError, match=what) as caught:
        import_jsonl(path)
    assert "line 2" in str(caught.value)
    if hint is not None:
        assert hint in str(caught.value.hint)


def test_unknown_columns_are_left_out_with_a_warning(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"prompt": "a", "completion": "b", "rewrd": 1, "zzz": 1})
    assert import_jsonl(path).warnings == (
        "the column 'rewrd' is left out; did you mean 'reward'?",
        "the column 'zzz' is left out",
    )


def test_an_empty_file_and_a_blank_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataError, match="is empty"):
        import_jsonl(tmp_path / "empty.jsonl")
    with pytest.raises(DataError, match="holds no lines"):
        import_jsonl(jsonl(tmp_path, "", " "))


def test_too_many_completions_are_thinned_by_step(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "b", "step": s, "reward": s} for s in range(10)]
    record = import_jsonl(jsonl(tmp_path, *rows), limits=KeepLimits(samples=4))
    assert [row.step for row in record.samples] == [0, 3, 6, 9]
    assert len(record.updates) == 10
    assert record.warnings == ("4 of 10 completions are kept, of 4 of 10 steps",)
