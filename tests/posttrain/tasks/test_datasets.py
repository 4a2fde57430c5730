"""Rows of files become examples; what is wrong with a file is said with its place."""

import datetime
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from pellucid.errors import DataError, InputError, UnknownNameError
from pellucid.posttrain.tasks import Dataset, digest, load_dataset, reading

ROWS: list[dict[str, Any]] = [
    {"prompt": "1+1=", "answer": "2", "difficulty": 1, "source": "a"},
    {"prompt": "2+2=", "answer": "4", "difficulty": 2, "source": "b"},
]
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1="}]


def jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def saved(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Write what `datasets.Dataset.save_to_disk` writes, by hand."""
    folder.mkdir()
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(folder / "data-00000-of-00001.arrow", table.schema) as stream:
        stream.write_table(table)
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": None}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def test_every_format_gives_the_same_examples(tmp_path: Path) -> None:
    read = [
        load_dataset(jsonl(tmp_path / "d.jsonl", ROWS)),
        load_dataset(parquet(tmp_path / "d.parquet", ROWS)),
        load_dataset(saved(tmp_path / "d", ROWS)),
    ]
    assert read[0].examples == read[1].examples == read[2].examples
    assert len({dataset.digest for dataset in read}) == 1
    first = read[0].examples[0]
    assert (first.prompt, first.answer, first.difficulty, first.task) == ("1+1=", "2", 1.0, "d")
    assert first.extra == {"source": "a"}
    assert (first.rationale, first.hint) == (None, None)


def test_the_digest_depends_on_content_and_order(tmp_path: Path) -> None:
    examples = load_dataset(jsonl(tmp_path / "d.jsonl", ROWS)).examples
    assert digest(examples) != digest(examples[::-1])
    changed = [{**ROWS[0], "source": "c"}, ROWS[1]]
    other = load_dataset(jsonl(tmp_path / "d.jsonl", changed)).examples
    assert digest(examples) != digest(other)


def test_chat_prompts_keep_their_messages(tmp_path: Path) -> None:
    rows = [{"prompt": CHAT, "answer": "2"}, {"prompt": CHAT[1:], "answer": "2"}]
    for path in (jsonl(tmp_path / "d.jsonl", rows), parquet(tmp_path / "d.parquet", rows)):
        first, second = load_dataset(path).examples
        assert first.prompt == "system: Be brief.\nuser: 1+1="
        assert first.messages == tuple(CHAT)
        assert second.prompt == "1+1="


def test_columns_may_have_other_names_and_lie_deeper(tmp_path: Path) -> None:
    row = {"problem": CHAT, "hint": CHAT, "reward_model": {"ground_truth": 2, "style": "rule"}}
    columns = {"prompt": "problem", "answer": "reward_model.ground_truth"}
    (example,) = load_dataset(jsonl(tmp_path / "d.jsonl", [row]), columns=columns).examples
    assert (example.answer, example.hint) == ("2", "1+1=")
    assert example.extra == {}


def test_answers_are_taken_out_of_worked_solutions(tmp_path: Path) -> None:
    gsm = jsonl(tmp_path / "gsm.jsonl", [{"prompt": "q", "answer": "1+1=2\n#### 2"}])
    (example,) = load_dataset(gsm, answer_form="marker").examples
    assert (example.answer, example.rationale) == ("2", "1+1=2\n#### 2")
    rows = [{"problem": "q", "solution": r"so \boxed{2}", "level": "Level 5"}]
    columns = {"prompt": "problem", "answer": "solution", "difficulty": "level"}
    maths = load_dataset(jsonl(tmp_path / "math.jsonl", rows), columns=columns, answer_form="boxed")
    assert (maths.examples[0].answer, maths.examples[0].difficulty) == ("2", 5.0)
    with pytest.raises(DataError, match="line 1: the answer has not the form 'boxed'"):
        load_dataset(gsm, answer_form="boxed")


def test_copies_of_a_prompt_are_one_group(tmp_path: Path) -> None:
    rows = [{"prompt": p, "answer": "2"} for p in ("What is it?", " what  is it?", "Where?")]
    groups = [e.group_id for e in load_dataset(jsonl(tmp_path / "d.jsonl", rows)).examples]
    assert groups[0] == groups[1] != groups[2]


def test_a_missing_column_is_named_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    rows = [ROWS[0], {"prompt": "x", "anwser": "2"}]
    with pytest.raises(DataError, match=r"d\.jsonl, line 2: there is no column 'answer'") as caught:
        load_dataset(jsonl(tmp_path / "d.jsonl", rows))
    assert caught.value.hint == "did you mean 'anwser'?"
    # Parquet has the column, and nothing in it
    with pytest.raises(DataError, match=r"row 2: there is nothing in the column 'answer'"):
        load_dataset(parquet(tmp_path / "d.parquet", [ROWS[0], {"prompt": "x", "answer": None}]))


def test_a_column_is_needed_only_if_it_is_asked_for(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "d.jsonl", [{"prompt": "x"}])
    (example,) = load_dataset(path, needed=["prompt"]).examples
    assert example.answer == ""
    with pytest.raises(DataError, match="no column 'answer'"):
        load_dataset(path)
    with pytest.raises(DataError, match="no column 'tip'"):
        load_dataset(path, needed=["prompt"], columns={"hint": "tip"})


def test_fields_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "d.jsonl", ROWS)
    with pytest.raises(UnknownNameError, match="field of an example 'promt'") as caught:
        load_dataset(path, columns={"promt": "x"})
    assert caught.value.hint == "did you mean 'prompt'?"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is not strict JSON"),
        ("[1]", "line 2: a row must be an object, got list"),
        ('{"prompt": "x", "answer": NaN}', "line 2 is not strict JSON"),
        ('{"prompt": "x", "prompt": "y"}', "'prompt' occurs twice"),
        ('{"prompt": "x", "answer": {"a": 1}}', "line 2: answer must be text, got dict"),
        ('{"prompt": 1.5, "answer": true}', "line 2: answer must be text, got bool"),
        ('{"prompt": [], "answer": "2"}', "line 2: the prompt is a list of no messages"),
        ('{"prompt": [{"role": "user"}], "answer": "2"}', "a message needs a role and a content"),
        ('{"prompt": ["hi"], "answer": "2"}', "a message needs a role and a content"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + line + "\n")
    with pytest.raises(DataError, match=message):
        load_dataset(path)


def test_blank_lines_and_a_missing_last_line_end_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text("\n" + json.dumps(ROWS[0]) + "\r\n\n" + json.dumps(ROWS[1]))
    assert len(load_dataset(path).examples) == 2


@pytest.mark.parametrize("name", ["d.parquet", "d.arrow"])
def test_a_damaged_binary_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PAR1 this is none PAR1")
    with pytest.raises(DataError, match=f"{name} is no readable"):
        load_dataset(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        load_dataset(path)


def test_a_cut_parquet_file_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "d.parquet", ROWS)
    content = path.read_bytes()
    for size in range(1, len(content), 97):
        path.write_bytes(content[:size])
        with pytest.raises(DataError):
            load_dataset(path)


def test_other_files_and_empty_ones_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "d.csv"
    other.write_text("prompt,answer\n")
    with pytest.raises(InputError, match="no data set that can be read"):
        load_dataset(other)
    for name in ("none.jsonl", "none"):
        with pytest.raises(DataError, match="does not exist"):
            load_dataset(tmp_path / name)
    (tmp_path / "d.jsonl").write_text("\n")
    with pytest.raises(InputError, match="has no rows"):
        load_dataset(tmp_path / "d.jsonl")


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [jsonl(tmp_path / "d.jsonl", ROWS), parquet(tmp_path / "d.parquet", ROWS)]
    monkeypatch.setattr(reading, "MAX_ROWS", 1)
    for path in paths:
        with pytest.raises(DataError, match=r"(more than 1 rows|unpacks to 2 rows)"):
            load_dataset(path)
    monkeypatch.setattr(reading, "MAX_ROWS", 10)
    monkeypatch.setattr(reading, "MAX_LINE_BYTES", 20)
    with pytest.raises(DataError, match=r"line 1 has \d+ bytes, at most 20"):
        load_dataset(paths[0])


def test_a_file_that_unpacks_to_far_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path / "d.parquet", [{"prompt": "x" * 100_000, "answer": "2"}] * 20)
    monkeypatch.setattr(reading, "MAX_BYTES", 50_000)
    assert path.stat().st_size < 50_000
    with pytest.raises(DataError, match="unpacks to"):
        load_dataset(path)


def test_a_value_that_a_dictionary_repeats_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # once in the file, and in all rows of the batch that is decoded
    rows = [{"prompt": "x" * 100_000, "answer": "2"}] * 500
    path = parquet(tmp_path / "d.parquet", rows)
    assert path.stat().st_size < 200_000
    monkeypatch.setattr(reading, "MAX_BYTES", 10_000_000)
    monkeypatch.setattr(reading, "_BATCH_BYTES", 1_000_000)
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    rows_read = reading.read_rows(path)
    next(rows_read)
    assert pool.bytes_allocated() - before < 4_000_000
    with pytest.raises(DataError, match="unpacks to more than"):
        list(rows_read)


def test_deep_columns_are_refused_with_one_line(tmp_path: Path) -> None:
    deep: list[Any] = []
    for _ in range(110):
        deep = [deep]
    path = parquet(tmp_path / "d.parquet", [{"prompt": "x", "answer": "2", "tree": deep}])
    with pytest.raises(DataError, match="too deeply nested"):
        load_dataset(path)


def test_lone_surrogates_become_a_sign_that_can_be_encoded(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"prompt": "a\\ud800", "answer": "\\udfff"}\n')
    (example,) = load_dataset(path).examples
    assert (example.prompt, example.answer) == ("a\ufffd", "\ufffd")


def test_values_that_json_lacks_are_identified_too(tmp_path: Path) -> None:
    rows = [{"prompt": "x", "answer": "2", "when": datetime.datetime(2020, 1, 1)}]  # noqa: DTZ001
    read = load_dataset(parquet(tmp_path / "d.parquet", rows))
    assert read.examples[0].extra["when"].year == 2020
    assert len(read.digest) == 64


def test_unknown_difficulties_are_not_measured(tmp_path: Path) -> None:
    rows = [
        {"prompt": "x", "answer": "2", "difficulty": d} for d in (None, "hard", True, "Level ?")
    ]
    read = load_dataset(jsonl(tmp_path / "d.jsonl", rows))
    assert all(math.isnan(example.difficulty) for example in read.examples)


# --- folders ---


def splits(read: Dataset) -> list[str]:
    return [example.prompt for example in read.examples]


def test_a_folder_of_the_hub_has_splits(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    parquet(tmp_path / "data" / "train-00000-of-00002.parquet", ROWS[:1])
    parquet(tmp_path / "data" / "train-00001-of-00002.parquet", ROWS[1:])
    parquet(tmp_path / "data" / "test-00000-of-00001.parquet", ROWS[:1])
    assert splits(load_dataset(tmp_path, split="train")) == ["1+1=", "2+2="]
    assert splits(load_dataset(tmp_path, split="test")) == ["1+1="]
    with pytest.raises(InputError, match="has the splits test, train"):
        load_dataset(tmp_path)
    with pytest.raises(InputError, match="not 'dev'"):
        load_dataset(tmp_path, split="dev")


def test_a_saved_dictionary_has_splits(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    saved(tmp_path / "train", ROWS)
    saved(tmp_path / "test", ROWS[:1])
    assert splits(load_dataset(tmp_path, split="test")) == ["1+1="]


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", 3, None, "..", ""])
def test_a_saved_folder_names_only_files_of_its_own(tmp_path: Path, name: object) -> None:
    saved(tmp_path / "d", ROWS)
    state = {"_data_files": [{"filename": name}]}
    (tmp_path / "d" / "state.json").write_text(json.dumps(state))
    with pytest.raises(DataError):
        load_dataset(tmp_path / "d")


@pytest.mark.parametrize("document", ["[]", "{}", '{"_data_files": 3}', '{"_data_files": []}'])
def test_a_saved_folder_without_files_is_refused(tmp_path: Path, document: str) -> None:
    saved(tmp_path / "d", ROWS)
    (tmp_path / "d" / "state.json").write_text(document)
    with pytest.raises(DataError):
        load_dataset(tmp_path / "d")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no data set"):
        load_dataset(tmp_path)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["../x", 3]}')
    with pytest.raises(InputError, match="has no data set"):
        load_dataset(tmp_path, split="../x")


@pytest.mark.slow
def test_folders_that_datasets_itself_wrote_are_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    chat = [{"prompt": CHAT, "answer": "2"}] * 3
    stored = datasets.DatasetDict(
        train=datasets.Dataset.from_list(chat), test=datasets.Dataset.from_list(chat[:1])
    )
    stored.save_to_disk(tmp_path / "both", num_shards={"train": 2, "test": 1})
    read = load_dataset(tmp_path / "both", split="train")
    assert len(read.examples) == 3
    assert read.examples[0].messages == tuple(CHAT)
    stored["test"].to_parquet(tmp_path / "d.parquet")
    stored["test"].to_json(tmp_path / "d.jsonl")
    assert load_dataset(tmp_path / "d.parquet").examples[0].answer == "2"
    assert load_dataset(tmp_path / "d.jsonl").examples[0].messages == tuple(CHAT)
