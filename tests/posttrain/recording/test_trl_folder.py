"""The output folder of a TRL trainer: columns as trl 1.16 writes them."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pellucid.errors import DataError, InputError
from pellucid.posttrain.recording import import_trl_folder, is_record, open_record


def completions(folder: Path, step: int, **columns: Any) -> None:
    (folder / "completions").mkdir(exist_ok=True)
    table = {
        "step": [step] * 4,
        "prompt": ["1+1=", "1+1=", "2+2=", "2+2="],
        "completion": [f"{i + step}" for i in range(4)],
        "exact": [1.0, 0.0, 0.0, math.nan],
        "length": [0.5, 0.5, 0.5, math.nan],
        "answer": ["2", "2", "4", "4"],
        "advantage": [1.0, -1.0, 0.0, 0.0],
        **columns,
    }
    pd.DataFrame(table).to_parquet(folder / "completions" / f"completions_{step:05d}.parquet")


def state(folder: Path, step: int, *entries: dict[str, Any]) -> None:
    place = folder / f"checkpoint-{step}"
    place.mkdir(parents=True)
    (place / "trainer_state.json").write_text(json.dumps({"log_history": list(entries)}))


def test_completions_and_metrics_are_joined(tmp_path: Path) -> None:
    for step in (1, 2):
        completions(tmp_path, step)
    metrics = {
        "step": 1,
        "loss": 0.1,
        "kl": 0.02,
        "entropy": 1.5,
        "grad_norm": 2.0,
        "learning_rate": 1e-5,
        "reward": 0.7,
        "rewards/exact/mean": 0.3,
        "rewards/length/mean": 0.5,
        "frac_reward_zero_std": 0.5,
        "completions/clipped_ratio": 0.25,
        "completions/mean_length": 7.5,
        "clip_ratio/region_mean": 0.01,
    }
    state(tmp_path, 1, {"step": 1, "loss": 9.0})
    state(tmp_path, 2, metrics, {"step": 2, "loss": float("nan"), "eval_loss": 1.0})
    assert is_record(tmp_path)
    record = open_record(tmp_path)
    first = record.updates[0]
    assert (first.step, first.loss, first.kl, first.total) == (1, 0.1, 0.02, 0.7)
    assert (first.n_groups, first.n_groups_without_signal, first.n_cut) == (2, 1, 1)
    assert first.rewards == pytest.approx({"exact": 1 / 3, "length": 0.5})
    assert math.isnan(record.updates[1].loss)
    sample = record.samples[0]
    assert (sample.prompt, sample.completion, sample.gold) == ("1+1=", "1", "2")
    assert (sample.rewards, sample.advantage) == ({"exact": 1.0, "length": 0.5}, 1.0)
    assert sample.correct is None
    assert math.isnan(record.samples[3].rewards["exact"])
    assert record.updates[0].n_unscored == 1
    assert record.reward_names == ("exact", "length")
    assert set(record.absent) == {"tokens", "evaluations"}


def test_without_metrics_number_columns_are_rewards(tmp_path: Path) -> None:
    completions(tmp_path, 3)
    record = import_trl_folder(tmp_path)
    assert record.reward_names == ("exact", "length")
    assert math.isnan(record.updates[0].loss)
    assert math.isnan(record.updates[0].total)


def test_completions_that_are_logged_again_count_once(tmp_path: Path) -> None:
    """With several optimiser steps per batch TRL logs the same completions at each of them."""
    completions(tmp_path, 1)
    completions(tmp_path, 2, completion=[f"{i + 1}" for i in range(4)])
    completions(tmp_path, 3)
    record = import_trl_folder(tmp_path)
    assert [row.step for row in record.updates] == [1, 3]
    assert record.warnings == (
        "completions_00002.parquet repeats the completions of the file before it",
    )


def test_messages_become_text(tmp_path: Path) -> None:
    prompt = [{"role": "user", "content": "1+1="}]
    answer = [{"role": "assistant", "content": "2"}]
    completions(tmp_path, 1, prompt=[prompt] * 4, completion=[answer] * 4)
    record = import_trl_folder(tmp_path)
    assert (record.samples[0].prompt, record.samples[0].completion) == ("1+1=", "2")
    assert len({row.prompt_id for row in record.samples}) == 1


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none"):
        import_trl_folder(tmp_path)
    (tmp_path / "completions").mkdir()
    path = tmp_path / "completions" / "completions_00001.parquet"
    path.write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(DataError, match="is not a sound Parquet file"):
        import_trl_folder(tmp_path)
    pd.DataFrame({"prompt": ["a"], "text": ["b"]}).to_parquet(path)
    with pytest.raises(DataError, match="has no column 'completion'; it has prompt, text"):
        import_trl_folder(tmp_path)
    pd.DataFrame({"prompt": ["a"], "completion": [3]}).to_parquet(path)
    with pytest.raises(DataError, match="row 1, column 'completion': expected text"):
        import_trl_folder(tmp_path)


def test_a_state_without_history_is_refused(tmp_path: Path) -> None:
    completions(tmp_path, 1)
    state(tmp_path, 1)
    (tmp_path / "checkpoint-1" / "trainer_state.json").write_text("{}")
    with pytest.raises(DataError, match="has no log_history"):
        import_trl_folder(tmp_path)
