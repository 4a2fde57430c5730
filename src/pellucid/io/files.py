"""Reads a whole file, once, after checks that turn each bad path into one clear line."""

import os
import stat
from pathlib import Path

from pellucid.errors import ArtifactError, DataError

MAX_FILE_BYTES = 4 * 1024**3


def read_bytes(
    path: Path,
    *,
    error: type[ArtifactError] | type[DataError] = DataError,
    max_bytes: int = MAX_FILE_BYTES,
) -> bytes:
    """Return the content of a regular file.

    Everything that is checked later is checked on these bytes, so that a file that changes in
    between cannot pass one check and fail the next.

    Args:
        path: The file; a link is followed.
        error: Class of the errors, by what the file is.
        max_bytes: Larger files are refused unread.

    Raises:
        ArtifactError: (or `error`) The path is missing, a dangling link, a folder, a device, not
            readable, empty or too large.
    """
    size = _size(path, error)
    if size == 0:
        raise error(f"{path} is empty", hint="write the file again; nothing was stored in it")
    if size > max_bytes:
        raise error(f"{path} has {size} bytes and at most {max_bytes} are read")
    try:
        with path.open("rb") as file:
            # no more than was promised: a read sets aside as much memory as it is allowed
            return file.read(size)
    except PermissionError:
        raise _unreadable(path, error) from None
    except OSError as failure:
        raise error(f"{path} cannot be read: {failure.strerror}") from failure


def _size(path: Path, error: type[ArtifactError] | type[DataError]) -> int:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise _missing(path, error) from None
    except PermissionError:
        raise _unreadable(path, error) from None
    except (OSError, ValueError) as failure:  # ValueError: a NUL character in the path
        raise error(f"{str(path)!r} cannot be opened: {failure}") from None
    if stat.S_ISDIR(status.st_mode):
        raise error(f"{path} is a folder and a file was expected")
    if not stat.S_ISREG(status.st_mode):
        # opening a named pipe would wait for ever
        raise error(f"{path} is not a regular file")
    return status.st_size


def _missing(path: Path, error: type[ArtifactError] | type[DataError]) -> ArtifactError | DataError:
    if path.is_symlink():
        return error(f"{path} is a link to {os.readlink(path)}, which does not exist")  # noqa: PTH115
    near = path.with_name(path.name + ".zip")
    hint = f"did you mean {near}?" if near.is_file() else "check the path"
    return error(f"{path} does not exist", hint=hint)


def _unreadable(
    path: Path, error: type[ArtifactError] | type[DataError]
) -> ArtifactError | DataError:
    return error(f"{path} may not be read", hint="give this account read permission")
