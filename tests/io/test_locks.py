"""Locks: one holder at a time, and none that outlives its process."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pellucid.errors import InputError
from pellucid.io.locks import process_token, release_lock, take_lock

RACE = """
import sys
from pathlib import Path
from pellucid.errors import InputError
from pellucid.io.locks import take_lock
path = Path(sys.argv[1])
print("ready", flush=True)
input()
try:
    take_lock(path, on=path.parent)
    print("taken", flush=True)
except InputError:
    print("refused", flush=True)
input()
"""


def dead_token() -> str:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    token = process_token(child.pid)
    child.communicate(b"\n")
    return token


def test_a_lock_names_its_holder_and_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    take_lock(path, on=tmp_path)
    assert path.read_text() == process_token(os.getpid())
    release_lock(path)
    assert list(tmp_path.iterdir()) == []
    release_lock(path)  # twice is once


def test_f09_a_live_process_keeps_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        path.write_text(process_token(child.pid))
        with pytest.raises(InputError, match=f"process {child.pid} is working on here"):
            take_lock(path, on=Path("here"))
        child.communicate(b"\n")


def test_f09_the_lock_of_a_dead_process_is_taken_over_with_a_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, token = tmp_path / "x.lock", dead_token()
    path.write_text(token)
    with caplog.at_level(logging.WARNING, logger="pellucid"):
        take_lock(path, on=Path("here"))
    assert f"took over here from process {token.split()[0]}, which is gone" in caplog.text
    assert path.read_text() == process_token(os.getpid())
    release_lock(path)


@pytest.mark.parametrize("holder", ["1 1", "99999999999999999999 7", "-1 5", "x" * 500, "\x1b[31m"])
def test_f09_a_pid_that_is_used_again_or_none_at_all_is_no_holder(
    tmp_path: Path, holder: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.lock"  # process 1 lives, and started at another time
    path.write_text(holder)
    take_lock(path, on=tmp_path)
    assert path.read_text() == process_token(os.getpid())
    assert "\x1b" not in caplog.text
    release_lock(path)


def test_f09_a_lock_that_was_never_filled_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"  # its maker was killed between making and filling it
    path.touch()
    take_lock(path, on=tmp_path)
    release_lock(path)


def test_f09_another_thread_of_this_process_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    take_lock(path, on=tmp_path)
    caught: list[InputError] = []

    def second() -> None:
        try:
            take_lock(path, on=tmp_path)
        except InputError as error:
            caught.append(error)

    thread = threading.Thread(target=second)
    thread.start()
    thread.join()
    assert "this process is working on" in str(caught[0])
    release_lock(path)


def test_f08_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write in .*file: Not a directory"):
        take_lock(tmp_path / "file" / "x.lock", on=tmp_path)


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "precious", tmp_path / "x.lock"
    target.write_text("kept")
    path.symlink_to(target)
    with pytest.raises(InputError, match="cannot write"):
        take_lock(path, on=tmp_path)
    assert target.read_text() == "kept"


@pytest.mark.slow
def test_f09_of_several_processes_that_find_a_stale_lock_one_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_text(dead_token())
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    said = [racer.stdout.readline().strip() for racer in racers]
    for racer in racers:
        racer.communicate("\n")
    assert sorted(said) == ["refused"] * 3 + ["taken"]
