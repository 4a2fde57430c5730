"""Finds run folders and reads plain files in them: no links, nothing outside, nothing too large.

A folder of runs may come from elsewhere, and a run in it may be written while it is read. So every
path is checked from the top folder down each time, and what is missing or damaged is a `DataError`.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pellucid.errors import DataError
from pellucid.io.atomic import safe_name
from pellucid.io.files import read_bytes

RUN_FILE, LOCK_FILE = "run.json", "run.lock"
JSON_FILE, HTML_FILE = "report.json", "report.html"
MAX_RUN_BYTES = 16 * 1024**2
MAX_REPORT_BYTES = 64 * 1024**2
DEEPEST = 4
"""Levels below the top folder at which runs are looked for."""
MOST_RUNS, MOST_FOLDERS = 1000, 20_000


@dataclass(frozen=True)
class Place:
    """Where a run lies.

    Args:
        root: The folder that is viewed.
        name: Path of the run's folder below it, `.` for the folder itself.
    """

    root: Path
    name: str

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.root / self.name

    @property
    def key(self) -> str:
        """What it is called in addresses: letters, digits, `.`, `_` and `-`."""
        return safe_name(self.root.resolve().name if self.name == "." else self.name)

    def holds(self, name: str) -> bool:
        """Whether a plain file of that name is in it now."""
        try:
            return stat.S_ISREG(self._checked(name).lstat().st_mode)
        except (DataError, OSError):
            return False

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Return the content of a plain file.

        Raises:
            DataError: It is missing, a link or behind one, no plain file, empty or too large.
        """
        return read_bytes(self._checked(name), max_bytes=max_bytes)

    def check(self, *names: str) -> None:
        """Check that no file of these names is a link or behind one; they may be missing.

        Raises:
            DataError: One is.
        """
        for name in names:
            self._checked(name)

    def stamps(self, *names: str) -> tuple[tuple[int, int], ...]:
        """Return when files were changed, and their sizes; zeros for those that are missing."""
        found = []
        for name in names:
            try:
                status = (self.folder / name).lstat()
                found.append((status.st_mtime_ns, status.st_size))
            except OSError:
                found.append((0, 0))
        return tuple(found)

    def _checked(self, name: str) -> Path:
        path = self.root
        for part in (*PurePosixPath(self.name).parts, *PurePosixPath(name).parts):
            path = path / part
            if part == ".." or path.is_symlink():
                raise DataError(
                    f"{path} is a link, and links are not followed", hint="copy what it points to"
                )
        return path


@dataclass(frozen=True)
class Found:
    """The runs of a folder.

    Args:
        places: In the order of their names.
        left_out: What was not looked at, one sentence each.
    """

    places: tuple[Place, ...]
    left_out: tuple[str, ...] = ()


def find_runs(root: Path) -> Found:
    """Return the run folders in a folder, or the folder itself if it is one.

    A run folder holds `run.json`, or the report on a record that others wrote.

    Args:
        root: Its links are not followed.
    """
    names: list[str] = []
    left_out: list[str] = []
    for n_folders, (folder, depth) in enumerate(_folders(root)):
        if n_folders >= MOST_FOLDERS:
            left_out.append(f"More than {MOST_FOLDERS} folders; the others were not looked at.")
            break
        if _is_run(folder):
            if len(names) == MOST_RUNS:
                left_out.append(f"More than {MOST_RUNS} runs; the others are not shown.")
                break
            names.append(folder.relative_to(root).as_posix() if depth else ".")
    return Found(tuple(Place(root, name) for name in sorted(names)), tuple(left_out))


def _folders(root: Path) -> Iterator[tuple[Path, int]]:
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        yield folder, depth
        # runs hold no runs, and their parts are many
        if depth == DEEPEST or _is_run(folder):
            continue
        try:
            with os.scandir(folder) as entries:
                below = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        except OSError:  # gone by now, or not ours to read
            continue
        # from the end of a list: the first name is looked at first
        waiting += [(folder / name, depth + 1) for name in sorted(below, reverse=True)]


def _is_run(folder: Path) -> bool:
    return _is_plain(folder / RUN_FILE) or (
        _is_plain(folder / JSON_FILE) and _is_plain(folder / HTML_FILE)
    )


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
