"""Where a result comes from: versions, hashes, platform and time.

Versions are read from installed metadata, so that nothing is imported to learn them.
"""

import hashlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

import pellucid
from pellucid.errors import DataError

PACKAGES: Mapping[str, str] = {
    "numpy": "numpy",
    "torch": "torch",
    "gymnasium": "gymnasium",
    "stable_baselines3": "stable-baselines3",
}
"""Packages that decide what an agent does, by the name they have in provenance."""

_CHUNK = 1 << 20


def package_version(distribution: str) -> str | None:
    """Return the installed version of a distribution, None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Return the versions of Python, pellucid and what agents run on; absent ones are left out."""
    found = {"python": platform.python_version(), "pellucid": pellucid.__version__}
    for name, distribution in PACKAGES.items():
        version = package_version(distribution)
        if version is not None:
            found[name] = version
    return found


def provenance(command: str, seed: int, hashes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return where a result comes from, as plain JSON values.

    Args:
        command: Command or call that makes the result again.
        seed: Seed of all its randomness.
        hashes: SHA-256 of what went in, by name, such as `{"agent": "3f…"}`.

    Returns:
        Keys `command`, `seed`, `hashes`, `versions`, `platform` and `time` (ISO 8601 in UTC, to
        the second). Only `time` differs between two calls in one installation.
    """
    return {
        "command": command,
        "seed": seed,
        "hashes": dict(sorted((hashes or {}).items())),
        "versions": versions(),
        "platform": platform.platform(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def sha256_file(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, read in chunks.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_tree(folder: str | Path) -> str:
    """Return one SHA-256 for a folder: of every file's relative path and content, sorted by path.

    Links inside the folder are hashed as links and never followed, so that a folder from elsewhere
    cannot make pellucid read outside it. Empty folders and file times do not count.

    Raises:
        NotADirectoryError: `folder` is not a folder.
        DataError: It holds something that is neither a file, a folder nor a link.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"expected a folder, got {root}")
    digest = hashlib.sha256()
    for path in sorted(_members(root), key=lambda p: p.relative_to(root).as_posix()):
        relative = path.relative_to(root).as_posix()
        if path.is_symlink():
            kind, content = b"link", hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
        else:
            kind, content = b"file", sha256_file(path)
        # the length keeps `a` + `b/…` and `ab` + `/…` apart
        name = os.fsencode(relative)
        digest.update(b"%s %d %s %s\n" % (kind, len(name), name, content.encode()))
    return digest.hexdigest()


def system_report() -> dict[str, Any]:
    """Return what a bug report needs, as plain JSON values, without importing anything heavy.

    Returns:
        Keys `versions`, `platform`, `processors`, `python_executable` and `extras` (for each
        extra, which of its distributions are installed and which are missing).
    """
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processors": os.cpu_count() or 1,
        "python_executable": sys.executable,
        "extras": extras(),
    }


def extras() -> dict[str, dict[str, Any]]:
    """Return, for each extra of pellucid, its installed versions and what is missing.

    Requirements that do not apply to this Python are left out. The result is empty if pellucid
    runs from a source folder that was never installed.
    """
    try:
        metadata = importlib.metadata.metadata("pellucid")
    except importlib.metadata.PackageNotFoundError:
        return {}
    report: dict[str, dict[str, Any]] = {}
    for extra in sorted(metadata.get_all("Provides-Extra") or ()):
        found = {name: package_version(name) for name in _distributions_of(extra)}
        report[extra] = {
            "installed": {name: version for name, version in found.items() if version is not None},
            "missing": [name for name, version in found.items() if version is None],
        }
    return report


def _distributions_of(extra: str) -> list[str]:
    names = set()
    for text in importlib.metadata.requires("pellucid") or []:
        requirement = Requirement(text)
        marker = requirement.marker
        # an extra's own requirement applies with the extra and not without it
        if marker and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}):
            names.add(requirement.name)
    return sorted(names)


def _members(root: Path) -> list[Path]:
    members = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        links = [here / name for name in folders if (here / name).is_symlink()]
        for path in (*links, *(here / name for name in files)):
            if not path.is_symlink() and not path.is_file():
                raise DataError(f"expected only files, folders and links, got {path}")
            members.append(path)
    return members
