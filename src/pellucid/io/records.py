"""Append-only records: one checksummed JSON line each, so that a killed run loses at most one.

A line is `{"crc": "<8 hex>", "record": …}`; the first says who wrote the file and in which layout.
A record counts as stored once its line end is on disk. A last line without its end is a torn write
and is dropped with a warning; any other line that fails its checksum is damage and is refused.
"""

import os
import re
import warnings
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pellucid import __version__
from pellucid.errors import DataError
from pellucid.io import strict_json
from pellucid.io.atomic import write_bytes
from pellucid.io.documents import newer_version
from pellucid.io.files import read_bytes

SCHEMA = 1
_TAIL_BLOCK = 64 * 1024
_LAYOUT = re.compile(rb'\{"crc": "([0-9a-f]{8})", "record": (.*)\}', re.DOTALL)


class TornTailWarning(UserWarning):
    """The last record of a file was cut off while it was written, and is left out."""


@dataclass(frozen=True)
class Line:
    """One stored record.

    Args:
        record: The record.
        offset: Byte at which its line begins.
    """

    record: Any
    offset: int


def append(path: Path, record: Any, *, sync: bool = True) -> None:
    """Add one record and return once it is on disk; the file is made if it is missing.

    A torn tail that an earlier kill left is cut off first, with a warning, so that the new record
    does not run into it.

    Args:
        path: The file; its folder must exist. One process at a time may append.
        record: Anything that `strict_json.dumps` takes.
        sync: False returns once the system has it: it survives the death of this process, and
            possibly not a power cut.

    Raises:
        OSError: The disk is full or the folder is gone; earlier records stay readable.
    """
    with path.open("ab+") as file:
        start = _cut_torn_tail(file, path)
        content = _line(record)
        if start == 0:
            content = _line(stamp(SCHEMA)) + content
        try:
            file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):  # no half line for the next reader, if the disk allows
                os.truncate(path, start)
            raise


def write_records(path: Path, stored: Sequence[Any]) -> None:
    """Write a whole file of records atomically; equal records give equal bytes.

    Raises:
        OSError: It cannot be written; what was there before is unchanged then.
    """
    write_bytes(path, b"".join(map(_line, [stamp(SCHEMA), *stored])))


def read_records(path: Path) -> list[Any]:
    """Return every stored record in order.

    Raises:
        DataError: The file cannot be read, a line in it is damaged (the message has the offset),
            or a newer pellucid wrote it.
    """
    return [line.record for line in read_lines(path)]


def read_lines(path: Path) -> list[Line]:
    """Return every stored record with its position; see `read_records`."""
    content = read_bytes(path)
    end = content.rfind(b"\n") + 1
    if end < len(content):
        _warn_torn(path, end, len(content) - end)
    lines, offset = [], 0
    while offset < end:
        stop = content.index(b"\n", offset)
        lines.append(Line(_parse(content[offset:stop], path, offset), offset))
        offset = stop + 1
    if not lines:
        return []
    check_stamp(lines[0].record, newest=SCHEMA, where=str(path))
    return lines[1:]


def stamp(schema: int) -> dict[str, Any]:
    """Return what a stored document begins with: its layout's number and who wrote it."""
    return {"schema": schema, "pellucid": __version__}


def check_stamp(document: Any, *, newest: int, where: str) -> int:
    """Return the layout's number of a stored document.

    Args:
        document: The document, or the first record of a file.
        newest: The newest layout that this version reads.
        where: The file, for the message.

    Raises:
        DataError: There is no such stamp, or a newer pellucid wrote it.
    """
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if type(schema) is not int or schema < 1:
        raise DataError(f"{where} was not written by pellucid: it names no schema")
    if schema > newest:
        raise newer_version(where, document.get("pellucid"))
    return schema


def _line(record: Any) -> bytes:
    body = strict_json.dumps(record)
    crc = zlib.crc32(body.encode("ascii"))
    return f'{{"crc": "{crc:08x}", "record": {body}}}\n'.encode("ascii")


def _parse(line: bytes, path: Path, offset: int) -> Any:
    found = _LAYOUT.fullmatch(line)
    # the checksum is over the record's bytes as written: no other spelling of a value can pass
    if found is None or int(found[1], 16) != zlib.crc32(found[2]):
        raise DataError(
            f"{path}: the record at byte {offset} is damaged",
            hint="restore the file from a copy; records before it are intact",
        )
    return strict_json.loads(found[2], where=f"{path}: the record at byte {offset}")


def _cut_torn_tail(file: BinaryIO, path: Path) -> int:
    size = file.seek(0, os.SEEK_END)
    end, position = 0, size
    while position > 0:
        block = max(0, position - _TAIL_BLOCK)
        file.seek(block)
        found = file.read(position - block).rfind(b"\n")
        if found >= 0:
            end = block + found + 1
            break
        position = block
    if end < size:
        _warn_torn(path, end, size - end)
        file.truncate(end)
    return end


def _warn_torn(path: Path, offset: int, length: int) -> None:
    warnings.warn(
        f"{path}: the last record, {length} bytes from byte {offset}, was cut off while it was "
        "written and is left out",
        TornTailWarning,
        stacklevel=3,
    )
