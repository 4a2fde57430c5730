"""`pellucid train` as a user types it."""

import json
from pathlib import Path

import pytest

from pellucid.cli.main import main
from pellucid.cli.train import with_time_left
from tests.api.training_configs import write_tiny


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_json_is_one_document(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiny(here)
    assert main(["train", "tiny.yaml", "--out", "run", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    document = json.loads(out)
    assert {"run", "state", "success", "pass_at_k", "rewards", "seconds"} <= set(document)
    assert (document["run"], document["state"], document["updates"]) == ("run", "finished", 3)
    gain = document["success"]["gain"]
    assert gain["low"] <= gain["value"] <= gain["high"]


def test_text_tells_before_and_after_and_a_second_call_reuses(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny(here)
    assert main(["train", "tiny.yaml", "--out", "run"]) == 0
    captured = capsys.readouterr()
    assert "Held-out success:" in captured.out
    assert "Run run" in captured.out
    assert main(["train", "tiny.yaml", "--out", "run"]) == 0
    again = capsys.readouterr()
    assert again.out == captured.out
    assert "finished before" in again.err


def test_without_out_the_run_has_a_folder_of_its_own(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny(here)
    assert main(["train", "tiny.yaml", "--set", "optimiser.n_updates=1", "--quiet"]) == 0
    (folder,) = (here / "runs").iterdir()
    head = json.loads((folder / "run.json").read_text())["head"]
    assert head["command"] == "pellucid train tiny.yaml --set optimiser.n_updates=1"


def test_ctrl_c_is_130_and_says_how_to_go_on(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny(here)

    def interrupted(tell: object) -> object:
        def stop(part: str, share: float) -> None:
            if share > 0.5:
                raise KeyboardInterrupt

        return stop

    with monkeypatch.context() as patched:
        patched.setattr("pellucid.cli.train.with_time_left", interrupted)
        assert main(["train", "tiny.yaml", "--out", "run"]) == 130
    assert "--out run goes on from here" in capsys.readouterr().err
    assert main(["train", "tiny.yaml", "--out", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["updates"] == 3


def test_a_stopped_run_is_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiny(here)
    words = ["train", "tiny.yaml", "--set", "optimiser.patience=3", "--out", "run"]
    assert main([*words, "--set", "optimiser.n_updates=20", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["state"] == "stopped"
    assert document["diagnosis"]
    assert document["success"]["gain"]["value"] is None


@pytest.mark.parametrize(
    ("words", "kind", "what"),
    [
        (["train", "missing.yaml"], "data", "missing.yaml does not exist"),
        (["train", "tiny.yaml", "--set", "sampling.temprature=1"], "unknown_name", "temprature"),
        (["train", "tiny.yaml", "--set", "nothing"], "input", "expected a.b=value"),
        (["train", "tiny.yaml", "--engine", "jax"], "usage", "jax"),
        (["train"], "usage", "CONFIG"),
    ],
)
def test_bad_input_is_2_in_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], kind: str, what: str
) -> None:
    write_tiny(here)
    assert main([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert what in error["message"]
    assert error["kind"] in (kind, "input")
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_a_tracker_that_is_not_installed_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny(here)
    assert main(["train", "tiny.yaml", "--out", "run", "--track", "trackio"]) == 2
    assert "pip install trackio" in capsys.readouterr().err


def test_the_time_left_is_told_from_the_second_update_on() -> None:
    told: list[str] = []
    seconds = iter([0.0, 10.0, 6000.0])
    tell = with_time_left(lambda part, share: told.append(part), clock=lambda: next(seconds))
    tell("asking", 0.0)
    tell("update 5", 0.5)  # a run that was taken up
    tell("update 6", 0.6)
    tell("update 7", 0.7)
    assert told == ["asking", "update 5", "update 6, 40 s left", "update 7, 2.5 h left"]
