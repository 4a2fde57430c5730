import subprocess
import sys

import pytest

from pellucid.api import run_folder
from pellucid.api.run_folder import (
    LOCK_FILE,
    RUN_FILE,
    changed_inputs,
    check_writable,
    open_run,
    read_run,
)
from pellucid.budget import Cost
from pellucid.errors import DataError, InputError
from pellucid.io import strict_json
from pellucid.io.locks import process_token

INPUTS = {"agent": "a", "seed": 0, "methods": ("shapley", "why-not"), "options": {}}


def head(**changes):
    return {
        "run_id": "20260101-000000-00000000",
        "time": "2026-01-01T00:00:00+00:00",
        "command": "pellucid explain",
        "inputs": {**INPUTS, **changes},
    }


def with_part(folder, **changes):
    run = open_run(folder, head(**changes))
    (folder / "explanations").mkdir()
    (folder / "explanations" / "shapley.json").write_text("{}")
    run.finish_part("explanations/shapley", Cost(7, 3), 0.5, {"note": "x"})
    run.close()
    return run


def test_a_part_is_there_again_after_reopening(tmp_path):
    with_part(tmp_path)
    again = open_run(tmp_path, head())
    part = again.part("explanations/shapley")
    assert part is not None
    assert (part.used, part.seconds, part.facts) == (Cost(7, 3), 0.5, {"note": "x"})
    assert again.state == "started"


def test_run_id_time_and_command_are_those_of_the_start(tmp_path):
    with_part(tmp_path)
    later = head() | {"run_id": "later", "time": "later", "command": "later"}
    again = open_run(tmp_path, later)
    assert again.run_id == "20260101-000000-00000000"
    assert again.head["command"] == "pellucid explain"


def test_changed_inputs_are_refused_and_named(tmp_path):
    with_part(tmp_path)
    with pytest.raises(InputError, match=r"other inputs: seed was 0, is 1") as caught:
        open_run(tmp_path, head(seed=1))
    assert "--fresh" in str(caught.value.hint)
    assert not (tmp_path / LOCK_FILE).exists()
    assert read_run(tmp_path).parts  # what was stored is still there


def test_fresh_throws_the_stored_run_away(tmp_path):
    with_part(tmp_path)
    (tmp_path / "notes.txt").write_text("of the user")
    run = open_run(tmp_path, head(seed=1), fresh=True)
    assert run.part("explanations/shapley") is None
    assert not (tmp_path / "explanations").exists()
    assert (tmp_path / "notes.txt").read_text() == "of the user"


def test_a_run_without_any_part_may_change_its_inputs(tmp_path):
    open_run(tmp_path, head()).close()
    assert open_run(tmp_path, head(seed=1)).head["inputs"]["seed"] == 1


def test_a_changed_part_is_noticed(tmp_path):
    with_part(tmp_path)
    (tmp_path / "explanations" / "shapley.json").write_text("{ }")
    with pytest.raises(DataError, match="not what the run stored"):
        open_run(tmp_path, head()).part("explanations/shapley")


def test_files_that_are_not_listed_are_not_a_part(tmp_path):
    run = open_run(tmp_path, head())
    (tmp_path / "explanations").mkdir()
    (tmp_path / "explanations" / "shapley.json").write_text("{}")
    assert run.part("explanations/shapley") is None


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        open_run(tmp_path, head())
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_tuples_and_lists_are_the_same_input():
    assert changed_inputs({"methods": ["a"]}, {"methods": ("a",)}) == []
    assert changed_inputs({"a": 1, "b": 2}, {"a": 1, "c": 3}) == ["b", "c"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"schema": 1}',
        b'{"schema": "1"}',
        b'{"schema": 1, "parts": {"../x": {}}}',
    ],
)
def test_a_damaged_run_file_is_named(tmp_path, damage):
    with_part(tmp_path)
    (tmp_path / RUN_FILE).write_bytes(damage)
    with pytest.raises(DataError, match=r"run\.json"):
        read_run(tmp_path)


@pytest.mark.parametrize("name", ["../outside", "/etc", "a/../../b", "", "a//b"])
def test_part_names_never_lead_out_of_the_folder(tmp_path, name):
    with_part(tmp_path)
    document = strict_json.read(tmp_path / RUN_FILE)
    document["parts"] = {name: document["parts"]["explanations/shapley"]}
    (tmp_path / RUN_FILE).write_text(strict_json.dumps(document))
    with pytest.raises(DataError, match="no path inside"):
        read_run(tmp_path)


def test_f11_a_newer_schema_is_named(tmp_path):
    with_part(tmp_path)
    document = strict_json.read(tmp_path / RUN_FILE) | {"schema": 2, "pellucid": "9.0"}
    (tmp_path / RUN_FILE).write_text(strict_json.dumps(document))
    with pytest.raises(DataError, match=r"written by pellucid 9\.0"):
        read_run(tmp_path)


# --- lock ---


def test_f09_a_run_that_another_process_works_on_is_refused(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        try:
            (tmp_path / LOCK_FILE).write_text(process_token(child.pid))
            with pytest.raises(InputError, match=f"process {child.pid} is working on {tmp_path}"):
                open_run(tmp_path, head())
            assert not (tmp_path / RUN_FILE).exists()
        finally:
            child.communicate(b"\n")


def test_f09_so_is_one_that_another_thread_works_on(tmp_path):
    run = open_run(tmp_path, head())
    with pytest.raises(InputError, match="this process is working on"):
        open_run(tmp_path, head())
    run.close()
    open_run(tmp_path, head()).close()


def test_closing_gives_the_lock_back(tmp_path):
    open_run(tmp_path, head()).close()
    assert not (tmp_path / LOCK_FILE).exists()


# --- writable ---


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="expected a folder"):
        check_writable(tmp_path / "file" / "run")


def test_f08_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    # permissions do not bind the administrator, who may be running this
    monkeypatch.setattr(run_folder.tempfile, "TemporaryFile", refuse)
    with pytest.raises(InputError, match=r"cannot write in .*: Read-only file system"):
        check_writable(tmp_path)
