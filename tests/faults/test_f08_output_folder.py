"""F08: a folder that cannot be written, or that goes away while a run works in it."""

import os
import threading
import time
from pathlib import Path

import pytest
from tests.cli import runs
from tests.faults.test_f61_interruption import TINY, start

from pellucid.api.run_folder import read_run
from pellucid.cli.main import main
from pellucid.errors import InputError

REPRODUCE = ["reproduce", "known-effects.large", "--jobs", "1"]


def refuse(*_: object, **__: object) -> None:
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize("command", [TINY, REPRODUCE])
@pytest.mark.parametrize("place", ["file", "file/below", "file/below/deeper"])
def test_f08_a_path_under_a_file_is_refused_before_any_work(
    command: list[str],
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("kept")
    started = time.perf_counter()
    assert main([*command, "--out", place]) == 2
    assert time.perf_counter() - started < 30
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "expected a folder for --out" in err
    assert Path("file").read_text() == "kept"


@pytest.mark.parametrize("command", [TINY, REPRODUCE])
def test_f08_a_read_only_folder_is_refused_before_any_work(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # permissions do not bind the administrator, who may be running this
    monkeypatch.setattr("pellucid.api.run_folder.tempfile.TemporaryFile", refuse)
    assert main([*command, "--out", str(tmp_path / "run")]) == 2
    assert "Read-only file system (choose another --out)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def moved_at(part: str, folder: Path, place: Path):
    """Return a progress function that moves the run folder away when a part begins."""

    def progress(name: str, share: float) -> None:
        if name == part and folder.exists():
            folder.rename(place)

    return progress


@pytest.mark.parametrize(("part", "kept"), [("why-not", 2), ("shapley", 4), ("frames", 5)])
def test_f08_a_run_whose_folder_goes_away_fails_at_the_end_of_that_part(
    part: str, kept: int, tmp_path: Path
) -> None:
    folder, place = tmp_path / "run", tmp_path / "moved"
    with pytest.raises(OSError, match="No such file or directory"):
        runs.small_run(folder, progress=moved_at(part, folder, place))
    assert not folder.exists()  # nor is it made again
    stored = read_run(place)
    assert len(stored.parts) == kept
    # what was finished is read from its new place, and the run goes on there
    before = {n: (place / f"{n}.json").stat().st_mtime_ns for n in stored.parts if "/" in n}
    again = runs.small_run(place)
    assert not again.reused
    assert read_run(place).state == "finished"
    assert {n: (place / f"{n}.json").stat().st_mtime_ns for n in before} == before


@pytest.mark.slow
def test_f08_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    process = start(tmp_path, [*TINY, "--out", "run"], slow=True)
    for line in process.stderr:
        if line.startswith("waiting"):
            break
    (tmp_path / "run").rename(tmp_path / "moved")
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.faults
def test_f09_two_commands_on_one_run_folder(tmp_path: Path) -> None:
    first = start(tmp_path, [*TINY, "--out", "run"], slow=True)
    for line in first.stderr:
        if line.startswith("waiting"):
            break
    second = start(tmp_path, [*TINY, "--out", "run"])
    out, err = second.communicate(timeout=60)
    assert second.returncode == 2
    assert out == ""
    assert f"process {first.pid} is working on run (wait for it, or choose another --out)" in err
    assert err.count("\n") == 1
    first.kill()
    first.communicate(timeout=30)
    third = start(tmp_path, [*TINY, "--out", "run"])
    _, err = third.communicate(timeout=60)
    assert third.returncode == 0
    assert f"took over run from process {first.pid}, which is gone" in err


def test_f09_two_threads_on_one_run_folder(tmp_path: Path) -> None:
    """Calls take turns, so that the second finds a finished run."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(runs.tiny_run(tmp_path / "run").reused))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, True]
    assert os.listdir(tmp_path) == ["run"]  # noqa: PTH208


def test_f08_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="expected an empty folder"):
        runs.tiny_run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
