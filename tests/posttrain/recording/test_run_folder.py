"""The record of a run: what was written comes back, a kill loses at most the step in progress."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.errors import DataError, InputError
from pellucid.posttrain.recording import (
    EvaluationRow,
    KeepLimits,
    RunHead,
    RunWriter,
    SampleRow,
    TokenRow,
    UpdateRow,
    is_record,
    open_record,
    read_run,
)
from pellucid.posttrain.recording.layout import ROW_FILES

PROMPTS = [f"p{i}" for i in range(8)]
HEAD = RunHead(
    "run-1",
    engine="native",
    method="plain",
    seed=3,
    n_updates=4,
    reward_weights={"correct": 1.0, "format": 0.5},
    config={"sampling": {"temperature": 1.0}},
    absent={"tokens": "not asked for"},
)
SAMPLE = SampleRow(
    1,
    0,
    "p0",
    "1+1= (hint: even)",
    "2",
    scored_prompt="1+1=",
    context="hinted",
    rewards={"correct": 1.0, "format": math.nan},
    total=1.0,
    gold="2",
    correct=True,
    cut=False,
    length=0,
)
TOKENS = TokenRow(1, 0, ("2", "<eos>"), log_probs=(-0.5, -1e-9), counted=(True, False))
UPDATE = UpdateRow(1, rewards={"correct": 0.5}, n_cut=0, loss=-0.25, extra={"guided": 0.5})


def written(folder: Path, n_steps: int = 2) -> RunWriter:
    writer = RunWriter.start(folder, HEAD, prompt_ids=PROMPTS)
    for step in range(1, n_steps + 1):
        writer.record_update(
            replace(UPDATE, step=step), [replace(SAMPLE, step=step)], [replace(TOKENS, step=step)]
        )
    return writer


def test_everything_comes_back(tmp_path: Path) -> None:
    writer = written(tmp_path / "run", 1)
    before = EvaluationRow("before", 0, "e1", 8, 3, "2+2=", "4", 1, ("4", "5"))
    writer.record_evaluation([before])
    writer.set_state("stopped", "the loss was NaN for 5 updates")
    record = read_run(tmp_path / "run")
    assert (record.state, record.diagnosis) == ("stopped", "the loss was NaN for 5 updates")
    assert record.head == replace(HEAD, kept=record.head.kept)
    assert record.head.kept["samples_per_step"] == 16
    assert repr(record.updates) == repr((UPDATE,))  # repr: NaN is not equal to itself
    assert repr(record.samples) == repr((SAMPLE,))
    assert record.tokens == (TOKENS,)
    assert record.evaluations == (before,)
    assert record.reward_names == ("correct", "format")
    assert record.tokens_of(record.samples[0]) == TOKENS
    assert record.absent == {"tokens": "not asked for"}
    assert record.warnings == ()
    assert is_record(tmp_path / "run")


def test_the_same_steps_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / name)
    for name in ROW_FILES[:3]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_step_counts_only_with_its_update_row(tmp_path: Path) -> None:
    """Killed between the samples and the update row: the step is not there, the rest is."""
    writer = written(tmp_path)
    writer._append("samples.jsonl", 3, [replace(SAMPLE, step=3)])
    record = read_run(tmp_path)
    assert [row.step for row in record.updates] == [1, 2]
    assert [row.step for row in record.samples] == [1, 2]


@pytest.mark.parametrize("name", ROW_FILES[:3])
def test_a_file_cut_at_any_byte_reads_as_a_prefix(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    content = (tmp_path / name).read_bytes()
    for length in range(0, len(content), 7):
        (tmp_path / name).write_bytes(content[:length])
        record = read_run(tmp_path)
        assert len(record.updates) == 2 or name == "updates.jsonl"
        torn = length > 0 and content[length - 1 : length] != b"\n"
        assert bool(record.warnings) == torn


def test_damage_is_refused_with_its_place(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "updates.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"loss": -0.25', b'"loss": -9.25', 1))
    with pytest.raises(DataError, match=r"updates\.jsonl: the record at byte \d+ is damaged"):
        read_run(tmp_path)


def test_a_resumed_run_forgets_what_it_will_do_again(tmp_path: Path) -> None:
    writer = written(tmp_path, 3)
    writer.record_evaluation([EvaluationRow("during", 3, "e1", 1, 0)])
    resumed = RunWriter.resume(tmp_path, step=1, prompt_ids=PROMPTS)
    record = read_run(tmp_path)
    assert [row.step for row in record.updates] == [1]
    assert len(record.samples) == len(record.tokens) == 1
    assert record.evaluations == ()
    for step in (2, 3):
        resumed.record_update(
            replace(UPDATE, step=step), [replace(SAMPLE, step=step)], [replace(TOKENS, step=step)]
        )
    other = tmp_path / "other"
    written(other, 3)
    for name in ROW_FILES[:3]:
        assert (tmp_path / name).read_bytes() == (other / name).read_bytes()


def test_a_newer_layout_is_named(tmp_path: Path) -> None:
    written(tmp_path)
    document = json.loads((tmp_path / "run.json").read_text())
    document |= {"schema": 99, "pellucid": "7.0"}
    (tmp_path / "run.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"written by pellucid 7\.0, needs >= 7\.0"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"state": "dreaming"}, "unknown state 'dreaming'"),
        ({"head": {"run_id": 3}}, "run_id: expected text, got 3"),
        ({"head": {}}, "run_id"),
        ({"head": {"run_id": "r", "colour": "red"}}, "unknown key 'colour'"),
        ({"head": []}, "expected keys with values"),
    ],
)
def test_a_wrong_head_is_named(tmp_path: Path, change: dict[str, object], what: str) -> None:
    written(tmp_path)
    document = json.loads((tmp_path / "run.json").read_text()) | change
    (tmp_path / "run.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=what):
        read_run(tmp_path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"completions_<step>\.parquet .*found none"):
        open_record(tmp_path)
    (tmp_path / "run.json").write_text('{"schema": 1, "pellucid": "0.1.0", "inputs": {}}')
    assert not is_record(tmp_path)
    with pytest.raises(InputError, match="holds no training run"):
        open_record(tmp_path)
    with pytest.raises(InputError, match=r"or a \.jsonl file"):
        open_record(tmp_path / "run.json")


def test_long_texts_and_many_completions_are_cut_and_said(tmp_path: Path) -> None:
    limits = KeepLimits(characters=5, completions_per_example=2)
    writer = RunWriter.start(tmp_path, HEAD, prompt_ids=PROMPTS, limits=limits)
    writer.record_update(UPDATE, [replace(SAMPLE, completion="12345678\ud800")])
    writer.record_evaluation([EvaluationRow("before", 0, "e", 3, 0, completions=("1234567",) * 3)])
    record = read_run(tmp_path)
    assert (record.samples[0].completion, record.samples[0].n_characters) == ("12345", 9)
    assert record.evaluations[0].completions == ("12345", "12345")
    assert record.evaluations[0].n == 3


def test_a_lone_surrogate_is_stored_as_a_question_mark(tmp_path: Path) -> None:
    writer = RunWriter.start(tmp_path, HEAD, prompt_ids=PROMPTS)
    writer.record_update(UPDATE, [replace(SAMPLE, completion="a\ud800")])
    assert read_run(tmp_path).samples[0].completion == "a?"


def test_token_lists_have_one_length() -> None:
    with pytest.raises(ValueError, match="ratios has 1 values for 2 tokens"):
        TokenRow(1, 0, ("a", "b"), ratios=(1.0,))


def test_the_last_evaluation_of_a_kind_is_found(tmp_path: Path) -> None:
    writer = written(tmp_path)
    for step, n_correct in ((1, 1), (2, 5)):
        writer.record_evaluation([EvaluationRow("during", step, "e", 8, n_correct)])
    record = read_run(tmp_path)
    assert [row.n_correct for row in record.evaluated("during")] == [5]
    assert record.evaluated("after") == ()
