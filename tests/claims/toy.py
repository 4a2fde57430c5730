"""Claims of a plug-in that do what a test tells them, in whichever process they run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SOURCE = """
import math, os, signal, sys, threading, time
from pathlib import Path
from pellucid.claims.claim import ExactClaim, NegativeControl, StatisticalClaim
from pellucid.errors import InputError

class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} {two}")
        self.lock = threading.Lock()

def act(name):
    folder = Path(os.environ["TOY_FOLDER"])
    with (folder / "log").open("a") as file:
        file.write(f"{name} {os.getpid()}\\n")
    told = folder / name
    what = told.read_text().split() if told.exists() else []
    if "once" in what:
        told.unlink()
    if what[:1] == ["kill"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if what[:1] == ["hang"]:
        time.sleep(600)
    if what[:1] == ["raise"]:
        raise Odd("seven", 7)
    if what[:1] == ["refuse"]:
        raise InputError("nosuch is needed", hint="pip install nosuch")
    if what[:1] == ["nan"]:
        return math.nan
    print("noise on stdout")
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    return 0.0

def run(arm, scale, seed):
    return act(f"{arm}-{seed}") + seed + (1.0 + seed / 100) * (arm == "high")

def cases():
    act("cases")
    return {"one is one": True, "two is two": True}

CELLS = StatisticalClaim(
    id="toy.cells", statement="High is higher.", source="pellucid", run=run,
    arms=("low", "high"), treatment="high", control="low", unit="seed", minimum_effect=0.5,
    seeds={"smoke": (0,), "cpu": tuple(range(8)), "full": tuple(range(8))},
    negative_controls=(NegativeControl("always", lambda arms: True),),
)
EXACT = ExactClaim(id="toy.exact", statement="Numbers are numbers.", source="pellucid", cases=cases)
for claim in (CELLS, EXACT):
    assert claim.info
"""
POINTS = {"pellucid.claims": {"toy.cells": "toyclaims:CELLS", "toy.exact": "toyclaims:EXACT"}}
MAIN = [sys.executable, "-c", "import sys; from pellucid.cli.main import main; sys.exit(main())"]


class Toy:
    """The plug-in, what its cells are told to do, and what they did."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.folder = folder
        self.package = package

    def tell(self, cell: str, what: str) -> None:
        """Let a cell such as `high-3` kill its process, hang, raise, refuse or return NaN."""
        (self.folder / cell).write_text(what)

    def ran(self) -> list[str]:
        """Return the cells that were begun, in order."""
        log = self.folder / "log"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def processes(self) -> set[int]:
        """Return the processes in which cells were begun."""
        log = self.folder / "log"
        return {int(line.split()[1]) for line in log.read_text().splitlines()}

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start `pellucid reproduce` as a user would, in a group of its own."""
        path = os.pathsep.join([str(self.package), *sys.path])
        return subprocess.Popen(
            [*MAIN, "reproduce", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for_cells(self, n_cells: int) -> None:
        """Wait until so many cells were begun."""
        deadline = time.monotonic() + 60
        while len(self.ran()) < n_cells:
            assert time.monotonic() < deadline, "no cell was begun in a minute"
            time.sleep(0.02)

    def still_alive(self) -> set[int]:
        """Return the processes of cells that live on, after giving them time to end."""
        deadline = time.monotonic() + 20
        while True:
            alive = {pid for pid in self.processes() if _lives(pid)}
            if not alive or time.monotonic() > deadline:
                return alive
            time.sleep(0.05)


def interrupt(process: "subprocess.Popen[str]") -> None:
    """Send what Ctrl-C sends: to every process of the group."""
    os.killpg(process.pid, signal.SIGINT)


def document(out: str) -> dict:
    """Return the one JSON document on stdout."""
    assert out.count("\n") == 1, out
    return json.loads(out)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
