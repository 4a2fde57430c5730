"""A lock that one process holds on a folder or a file, and that dies with it.

The lock is a small file that names its holder: pid and, where the system tells, start time, because
pids are used again. The file of a holder that is gone is taken over with a warning. Reading and
writing it happens under the system's own lock on that file, so that two processes that find the
same stale one cannot both take it.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pellucid.errors import InputError

logger = logging.getLogger(__name__)

_MOST_BYTES = 100
_held: set[Path] = set()  # by this process, so that a second thread is refused too


def take_lock(path: Path, *, on: Path) -> None:
    """Take a lock, from a process that is gone if need be.

    Args:
        path: The lock's file; its folder must exist.
        on: What is locked, for messages.

    Raises:
        InputError: Another process or thread holds it, or the folder cannot be written.
    """
    try:
        with _opened(path) as descriptor:
            _take(descriptor, path, on)
            _held.add(path.resolve())
    except OSError as error:
        raise InputError(
            f"cannot write in {path.parent}: {error.strerror}", hint="choose another --out"
        ) from error


def release_lock(path: Path) -> None:
    """Give a lock back; nothing happens if its file or folder is gone."""
    _held.discard(path.resolve())
    with suppress(OSError):
        path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a process that is alive on this machine holds a lock; the lock is left as it is.

    Args:
        path: The lock's file; one that is missing, a link or damaged is held by nobody.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        holder = os.read(descriptor, _MOST_BYTES).decode("ascii", "replace").strip()
    except OSError:  # a folder
        return False
    finally:
        os.close(descriptor)
    pid = holder.partition(" ")[0]
    return pid.isascii() and pid.isdecimal() and process_token(int(pid)) == holder


def process_token(pid: int) -> str:
    """Return the pid and start time of a process, empty if there is no such process."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return ""
    except PermissionError:
        pass  # it lives, and belongs to someone else
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return f"{pid} {stat.rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return str(pid)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open the lock's file, made if it is missing, under the system's lock on it."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o644)
        try:
            with suppress(OSError):  # not every file system has it
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_at(descriptor, path):  # its holder gave it back in between
                continue
            yield descriptor
            return
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _take(descriptor: int, path: Path, on: Path) -> None:
    holder = os.read(descriptor, _MOST_BYTES).decode("ascii", "replace").strip()
    pid = holder.partition(" ")[0]
    if pid.isdecimal() and process_token(int(pid)) == holder:
        if int(pid) != os.getpid():
            raise InputError(
                f"process {pid} is working on {on}", hint="wait for it, or choose another --out"
            )
        if path.resolve() in _held:
            raise InputError(
                f"this process is working on {on} already", hint="choose another folder"
            )
    elif holder:
        named = pid if pid.isdecimal() else "unknown"
        logger.warning("took over %s from process %s, which is gone", on, named)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, process_token(os.getpid()).encode(), 0)
