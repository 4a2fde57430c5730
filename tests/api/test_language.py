"""Explaining a training run: what is taken for one, what is written, and bad input."""

import json
from pathlib import Path
from typing import Any

import pytest

from pellucid.api.language import explain_training, is_language_source
from pellucid.api.language_reasoning import find_form, stated_reasoning
from pellucid.errors import DataError, InputError
from pellucid.io import strict_json
from pellucid.posttrain.reasoning import MarkedAnswer, TaggedReasoning
from pellucid.posttrain.recording import RunWriter
from tests.report.language import runs


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run written by the writer that training uses."""
    record, path = runs.run(), tmp_path_factory.mktemp("run")
    ids = list(dict.fromkeys(s.prompt_id for s in record.samples))
    writer = RunWriter.start(path, record.head, prompt_ids=ids)
    writer.record_evaluation([e for e in record.evaluations if e.when == "before"])
    for update in record.updates:
        writer.record_update(
            update,
            [s for s in record.samples if s.step == update.step],
            [t for t in record.tokens if t.step == update.step],
        )
    writer.record_evaluation([e for e in record.evaluations if e.when == "after"])
    writer.set_state("finished")
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(
            json.dumps({"prompt": s.prompt, "completion": s.completion, "step": s.step,
                        "reward": dict(s.rewards), "answer": s.gold, "correct": s.correct}) + "\n"
            for s in runs.run().samples[:80]
        )
    )  # fmt: skip
    return path


def test_a_run_folder_is_explained_where_it_lies(run_folder: Path) -> None:
    assert is_language_source(run_folder)
    made = explain_training(run_folder, reasoning=False)
    assert made.report == run_folder / "report.html"
    stored = strict_json.read(run_folder / "report.json")
    assert stored["source"]["kind"] == "pellucid run"
    assert [e["badge"] for e in stored["explanations"][:2]] == ["supported", "supported"]
    assert made.document["report"] == str(made.report)


def test_rows_of_a_file_are_explained_and_what_they_lack_is_said(
    rows: Path, tmp_path: Path
) -> None:
    made = explain_training(rows, out=tmp_path / "out")
    assert made.document["source"]["kind"] == "JSONL file"
    assert made.document["hashes"]["rows.jsonl"]
    assert made.document["explanations"][0]["badge"] == "not_measured"
    assert made.document["samples"]["lists"][0]["n"] >= 0


def test_what_is_no_record_is_left_to_agents(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    sources: list[Any] = [
        tmp_path, "module:callable", "CartPole-v1", "a\x00b", None, 3, tmp_path / "no.jsonl",
    ]  # fmt: skip
    assert [is_language_source(source) for source in sources] == [False] * len(sources)


def test_bad_input_is_told_before_anything_is_written(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seed"):
        explain_training(rows, out=tmp_path / "out", seed=-1)
    with pytest.raises(InputError, match="expected a folder"):
        explain_training(rows, out=rows)
    damaged = tmp_path / "bad.jsonl"
    damaged.write_text('{"prompt": "a"}\nno json\n')
    with pytest.raises(DataError):
        explain_training(damaged, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_run_stands_beside_it_and_strangers_are_told(
    run_folder: Path, rows: Path, tmp_path: Path
) -> None:
    same = explain_training(run_folder, compare=run_folder, out=tmp_path / "a", reasoning=False)
    assert all(entry["other"] for entry in same.document["samples"]["entries"])
    other = explain_training(run_folder, compare=rows, out=tmp_path / "b", reasoning=False)
    assert "share no prompt" in " ".join(other.document["warnings"])


# --- stated reasoning ---


def test_the_form_is_that_of_the_run_or_found_in_its_completions() -> None:
    config = {"method": {"options": {"answer_marker": "path"}}}
    assert find_form(["a 1 ; path 1"] * 3, config, None) == MarkedAnswer("path")
    assert find_form(["<think>a</think> 4"] * 2 + ["5"], {}, None) == TaggedReasoning()
    assert find_form(["so it is so\n#### 4"], {}, None) == MarkedAnswer("####")
    assert find_form(["4", "5", "so answer: 3"], {}, None) is None
    assert find_form(["a => 4"], config, "=>") == MarkedAnswer("=>")
    assert find_form([], config, None) is None


def test_why_the_reasoning_was_not_asked_about_is_said(run_folder: Path) -> None:
    found = stated_reasoning(runs.run(), run_folder)
    assert found.explanations == ()
    assert found.missing[0] == "its model is not stored in the run"
    document = explain_training(run_folder, reasoning=False).document
    assert "it was not asked for" in document["explanations"][-1]["text"]
