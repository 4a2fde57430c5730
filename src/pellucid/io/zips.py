"""Opens zip archives after checks on their list of members; nothing is unpacked before it passes.

Names that lead out of the archive, links, encryption, members that occur twice and members that
unpack to far more than they are stored in are refused.
"""

import io
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NoReturn, TypeAlias

from pellucid.errors import ArtifactError, DataError
from pellucid.io.messages import first_line

MAX_RATIO = 100
"""Largest ratio of unpacked to stored size: deflate reaches 1000 on zeros only."""
SMALL_BYTES = 1024**2
"""Members up to this size are harmless at any ratio."""

ErrorClass: TypeAlias = type[ArtifactError] | type[DataError]


@dataclass(frozen=True)
class ZipLimits:
    """How much an archive may hold.

    Args:
        n_members: Most members.
        n_bytes: Most bytes of all members together, unpacked; None if few of them are read, each
            with a limit of its own.
        ratio: Largest ratio of unpacked to stored size of a member that is not small; None where
            arrays that are mostly zeros are to be expected, and their size is the guard.
    """

    n_members: int
    n_bytes: int | None
    ratio: int | None = MAX_RATIO


def open_zip(
    content: bytes, *, where: str, limits: ZipLimits, error: ErrorClass, hint: str
) -> zipfile.ZipFile:
    """Return an archive whose list of members is sound.

    Args:
        content: Bytes of the file.
        where: Names the file in messages.
        limits: How much it may hold.
        error: Class of the errors, by what the file is.
        hint: What file to give instead of one that is no archive.

    Raises:
        ArtifactError: (or `error`) It is damaged, too large or unsafe to unpack.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as failure:
        raise error(
            f"{where} is not a sound zip archive: {first_line(failure)}", hint=hint
        ) from None
    members = archive.infolist()
    if len(members) > limits.n_members:
        raise error(f"{where} has {len(members)} members; at most {limits.n_members} are read")
    seen: set[str] = set()
    for member in members:
        _check_member(member, seen, len(content), where, limits.ratio, error)
        seen.add(member.filename)
    total = sum(member.file_size for member in members)
    if limits.n_bytes is not None and total > limits.n_bytes:
        raise error(f"{where} unpacks to {total} bytes; at most {limits.n_bytes}")
    return archive


def read_member(
    archive: zipfile.ZipFile, name: str, *, where: str, max_bytes: int, error: ErrorClass
) -> bytes:
    """Return one member, which must unpack to the size that the archive says.

    Raises:
        ArtifactError: (or `error`) It is too large or damaged.
    """
    declared = archive.getinfo(name).file_size
    if declared > max_bytes:
        raise error(f"{name!r} in {where} has {declared} bytes; at most {max_bytes}")
    try:
        with archive.open(name) as member:
            content = member.read(declared + 1)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError) as failure:
        raise error(f"{name!r} in {where} is damaged: {first_line(failure)}") from None
    if len(content) != declared:
        raise error(f"{name!r} in {where} is {len(content)} bytes, not {declared}")
    return content


def _check_member(
    member: zipfile.ZipInfo,
    seen: set[str],
    n_bytes: int,
    where: str,
    ratio: int | None,
    error: ErrorClass,
) -> None:
    def refuse(what: str) -> NoReturn:
        raise error(f"{where} is unsafe to unpack: member {member.filename[:80]!r} {what}")

    # orig_filename: the library itself cuts names at a NUL character
    name = member.orig_filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name:
        refuse("has a name that leads out of the archive")
    if stat.S_ISLNK(member.external_attr >> 16):
        refuse("is a link")
    if member.filename in seen:
        refuse("occurs twice")
    if member.flag_bits & 0x1:
        refuse("is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse("is compressed in a way that is not read")
    if member.compress_size > n_bytes:
        refuse("claims to be larger than the file")
    if ratio is not None and member.file_size > max(SMALL_BYTES, ratio * member.compress_size):
        refuse(f"unpacks from {member.compress_size} to {member.file_size} bytes")
