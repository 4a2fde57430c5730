"""Every write goes through here: a reader sees the old file or the new one, never a part.

The new content goes to a temporary file in the same folder, is flushed to disk, and then takes the
target's name in one step. What fails before that step leaves the target as it was and no
temporary file. What a crash leaves behind is a hidden `.pellucid-….tmp` file, which is harmless.
"""

import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pellucid.errors import InputError

MAX_NAME_LENGTH = 100
_NOT_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
# device names that Windows keeps for itself, with any extension
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the name `path` only if the block ends without error.

    Args:
        path: The target; its folder must exist. A link is replaced, not followed.

    Raises:
        OSError: The disk is full, the folder is read-only or gone, the target is a folder. The
            target is unchanged then.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_write(target) as file:
        ...     _ = file.write(b"one")
        >>> target.read_bytes()
        b'one'
    """
    # a fixed short name: the target's own may already be as long as the file system allows
    temporary = path.with_name(f".pellucid-{secrets.token_hex(8)}.tmp")
    try:
        with _create(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105  (tests make exactly this call fail)
    except BaseException:
        # KeyboardInterrupt too: nothing may stay behind
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically; see `atomic_write`."""
    with atomic_write(path) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """Write text atomically as UTF-8 with the line ends that it has; see `atomic_write`.

    Raises:
        UnicodeEncodeError: The text has a lone surrogate; nothing is written then.
    """
    write_bytes(path, content.encode("utf-8"))


def safe_name(name: str) -> str:
    """Return a file name made from any text: never empty, never a path, never hidden.

    A name that had to be changed gets eight hex digits of its hash, so that two different names
    never become one file.

    Example:
        >>> safe_name("LunarLander-v3")
        'LunarLander-v3'
        >>> safe_name("../etc/passwd")
        'etc_passwd-7fef78f5'
    """
    plain = unicodedata.normalize("NFKD", name)
    cleaned = _NOT_SAFE.sub("_", plain).lstrip("._-").rstrip(".")
    fits = 0 < len(name) <= MAX_NAME_LENGTH and not _RESERVED.match(name)
    if cleaned == name and fits:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    start = cleaned[: MAX_NAME_LENGTH - 9] or "name"
    return f"_{start}-{digest}" if _RESERVED.match(start) else f"{start}-{digest}"


def inside(root: Path, name: str | Path) -> Path:
    """Return the path of `name` under `root`, links resolved.

    Raises:
        InputError: It would lie outside `root`, be `root` itself, or is not a path at all.
    """
    try:
        base = root.resolve()
        target = (base / name).resolve()
    except (OSError, ValueError, RuntimeError) as failure:
        raise InputError(f"{str(name)!r} is not a path: {failure}") from None
    if target == base or not target.is_relative_to(base):
        raise InputError(
            f"{str(name)!r} lies outside {root}", hint="use a name without '..' or a leading '/'"
        )
    return target


def _create(path: Path) -> BinaryIO:
    # os.open, not tempfile: the file gets the permissions that the account's umask asks for;
    # O_EXCL refuses a link that someone else may have put there
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def _sync_folder(folder: Path) -> None:
    # makes the new name itself survive a power cut; not every file system allows it
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
