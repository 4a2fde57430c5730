"""Worlds that kill, stop or confuse the process that they run in, but never the one of the test.

Importable by worker processes. What they do is told by files in the folder `FALLING_FOLDER`.
"""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

from tests.cli.toy import Line, TimeLimit


class OddError(Exception):
    """Cannot be put together again from its arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")
        self.lock = threading.Lock()


class Falling(Line):
    """The line, whose first step in a worker process does what a file says, once or always."""

    def step(self, action):
        told = Path(os.environ["FALLING_FOLDER"]) / "told"
        if multiprocessing.parent_process() is not None and told.exists():
            what = told.read_text().split()
            if "once" in what:
                told.unlink(missing_ok=True)
            if what[0] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(600)
        return super().step(action)


def falling(render_mode=None):
    """Return the world with its limit told."""
    return TimeLimit(Falling(render_mode), 8)


def raise_odd(part):
    """Raise what cannot be sent back as it is."""
    raise OddError("seven", part)
