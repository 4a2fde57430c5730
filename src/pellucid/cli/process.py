"""What the command sets for its own process: threads, signals, imports, logging."""

import logging
import os
import signal
import sys
import warnings
from types import FrameType
from typing import TextIO

from pellucid.api.stopping import Terminated
from pellucid.cli.streams import write_note
from pellucid.workers import THREAD_VARIABLES


def limit_threads() -> None:
    """Use one thread for matrix work, here and in workers; a value that is set is kept.

    Contended threads make small matrix work many times slower; work is spread over `--jobs`.
    It must run before NumPy and torch are imported.
    """
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")


def prepare_torch() -> bool:
    """Give torch one thread, and let denormal numbers be zero: they slow it down many times.

    Returns:
        Whether this processor can let denormal numbers be zero.
    """
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return bool(torch.set_flush_denormal(True))


def allow_working_directory() -> None:
    """Make modules of the working directory importable, after all installed ones.

    At the end of the path, so that a file called `torch.py` there is not taken for the library.
    """
    here = os.getcwd()  # noqa: PTH109 -- sys.path holds strings
    if here not in sys.path:
        sys.path.append(here)


def raise_on_sigterm() -> None:
    """Turn SIGTERM into an exception, so that the run folder can say what happened."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread; whoever called keeps its signals
        return


def talk_through_stderr(*, quiet: bool) -> None:
    """Show log records and warnings as one safe line each on stderr, without tracebacks."""
    logger = logging.getLogger("pellucid")
    for handler in [h for h in logger.handlers if isinstance(h, _Lines)]:
        logger.removeHandler(handler)
    logger.addHandler(_Lines(logging.ERROR if quiet else logging.WARNING))
    logger.propagate = False

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not quiet:
            write_note(f"pellucid: warning: {message}")

    warnings.showwarning = show


class _Lines(logging.Handler):
    """Writes `pellucid: warning: message` and no traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        write_note(f"pellucid: {record.levelname.lower()}: {record.getMessage()}")
