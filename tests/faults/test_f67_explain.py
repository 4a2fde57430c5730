"""F67 with `explain --jobs`: a worker that is killed, hangs, or raises what cannot be sent back."""

import json
import logging
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli import toy
from tests.faults.falling_workers import raise_odd
from tests.faults.test_f61_interruption import MAIN, ROOT, TINY

import pellucid as pl
from pellucid.errors import EnvError, PellucidError
from pellucid.rollouts import workers
from pellucid.rollouts.workers import run_parts

pytestmark = [pytest.mark.faults, pytest.mark.slow]

ENV = "tests.faults.falling_workers:falling"


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FALLING_FOLDER", str(tmp_path))
    return tmp_path / "told"


def collected(jobs: int) -> list[bytes]:
    agent = pl.load_agent(toy.network(), env=ENV)
    episodes = pl.collect(agent, ENV, n_episodes=4, seed=0, jobs=jobs)
    assert not episodes.excluded
    return [e.observations.tobytes() + e.actions.tobytes() for e in episodes.attempted]


@pytest.mark.parametrize("what", ["kill once", "hang once"])
def test_f67_a_worker_that_is_lost_once_changes_no_byte(
    told: Path, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = collected(1)
    told.write_text(what)
    monkeypatch.setattr(workers, "PART_SECONDS", 8.0)
    with caplog.at_level(logging.WARNING):
        assert collected(2) == expected
    assert not told.exists()
    assert "work was lost and is done again" in caplog.text
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(("what", "why"), [("kill", "SIGKILL"), ("hang", "did not answer")])
def test_f67_work_that_is_lost_twice_is_an_error_that_says_how(
    told: Path, what: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.write_text(what)
    monkeypatch.setattr(workers, "PART_SECONDS", 8.0)
    with pytest.raises(EnvError, match=f"lost twice: .*{why}"):
        collected(2)
    assert multiprocessing.active_children() == []


def test_f67_what_cannot_be_sent_back_comes_back_in_words() -> None:
    with pytest.raises(PellucidError, match="OddError: seven 1") as caught:
        list(run_parts(raise_odd, [1, 2], 2))
    assert "in raise_odd" in caught.value.__notes__[0]
    assert multiprocessing.active_children() == []


def explain(folder: Path, *options: str) -> Any:
    arguments = list(TINY)
    arguments[3] = ENV
    return subprocess.run(
        [*MAIN, *arguments, "--jobs", "2", "--out", "run", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_f67_the_command_ends_with_one_line_and_the_run_says_why(
    told: Path, tmp_path: Path
) -> None:
    told.write_text("kill")
    done = explain(tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "the same work was lost twice: its process ended (SIGKILL)" in done.stderr
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["state"].startswith("failed: EnvError: the same work was lost twice")
    assert not (tmp_path / "run" / "run.lock").exists()
    told.unlink()
    again = explain(tmp_path)
    assert again.returncode == 0, again.stderr
