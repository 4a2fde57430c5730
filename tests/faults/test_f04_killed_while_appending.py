"""F04: a process is killed while it appends records; every acknowledged one can be read again."""

import random
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from pellucid.io.records import TornTailWarning, append, read_records

N_RECORDS = 10_000
APPEND = f"""
import sys
from pathlib import Path
from pellucid.io.records import append
for i in range({N_RECORDS}):
    append(Path(sys.argv[1]), {{"i": i, "filling": "x" * (i * 7919 % 4096)}})
    print(i, flush=True)
"""


def killed_after(seconds: float, path: Path) -> int:
    """Return how many records a process had acknowledged when it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", APPEND, str(path)], stdout=subprocess.PIPE, text=True
    )
    n_acknowledged = int(process.stdout.readline() == "0\n")
    time.sleep(seconds)  # the moment of the kill is what the fault is about
    process.kill()
    n_acknowledged += len([line for line in process.stdout if line.endswith("\n")])
    process.stdout.close()
    process.wait(timeout=30)
    return n_acknowledged


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(30))
def test_f04_every_acknowledged_record_survives(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    n_acknowledged = killed_after(random.Random(seed).uniform(0.0, 0.3), path)
    assert n_acknowledged > 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_records(path)
        append(path, {"i": "after"})  # the file can be gone on with
    assert {w.category for w in caught} <= {TornTailWarning}
    # a record may be on disk and its acknowledgement lost, one at most
    assert len(found) - n_acknowledged in (0, 1)
    assert [r["i"] for r in found] == list(range(len(found)))
    assert all(len(r["filling"]) == r["i"] * 7919 % 4096 for r in found)
    assert read_records(path) == [*found, {"i": "after"}]
