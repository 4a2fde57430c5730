"""F53: a training that is killed at any moment ends with the same numbers."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.training_configs import write_tiny

from pellucid.posttrain.recording import RunRecord, read_run
from pellucid.posttrain.recording.layout import UPDATES_FILE

SECONDS = 240
N_UPDATES = 40
CALL = "import sys; from pellucid.cli.main import main; sys.exit(main(sys.argv[1:]))"


def started(config: Path, out: Path) -> "subprocess.Popen[bytes]":
    words = ["train", str(config), "--out", str(out), "--quiet"]
    changes = [f"optimiser.n_updates={N_UPDATES}", "optimiser.checkpoint_every=7"]
    for change in changes:
        words += ["--set", change]
    return subprocess.Popen(
        [sys.executable, "-c", CALL, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=config.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def n_updates(out: Path) -> int:
    path = out / UPDATES_FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0


def timeless(record: RunRecord) -> str:
    return repr([replace(row, seconds=0.0) for row in record.updates])


@pytest.mark.faults
@pytest.mark.timeout(3 * SECONDS)
def test_a_killed_training_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    config = write_tiny(tmp_path)
    whole = started(config, tmp_path / "whole")
    assert whole.wait(SECONDS) == 0
    for least in (3, 12, 30):  # before the first checkpoint, and after some
        process = started(config, tmp_path / "run")
        deadline = time.monotonic() + SECONDS
        while n_updates(tmp_path / "run") < least and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
        # it can be read at once, whatever the kill cut off
        assert len(read_run(tmp_path / "run").updates) >= least - 1
    last = started(config, tmp_path / "run")
    assert last.wait(SECONDS) == 0
    record, expected = read_run(tmp_path / "run"), read_run(tmp_path / "whole")
    assert record.state == "finished"
    assert timeless(record) == timeless(expected)
    assert repr(record.samples) == repr(expected.samples)
    assert record.evaluations == expected.evaluations
