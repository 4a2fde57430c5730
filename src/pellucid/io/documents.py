"""What stored JSON documents carry beside their content: a checksum, and who wrote a newer one."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from pellucid import __version__
from pellucid.errors import DataError
from pellucid.io import strict_json

_SEAL = "sha256"
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}")


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with the SHA-256 of everything in it.

    Args:
        document: Anything that `strict_json.dumps` takes.
    """
    return {**document, _SEAL: _digest(document)}


def check_seal(document: Mapping[str, Any], *, where: str) -> None:
    """Check the checksum of a stored document; those of earlier versions have none.

    Raises:
        DataError: It does not fit: the file was damaged or changed.
    """
    if _SEAL not in document:
        return
    content = {key: value for key, value in document.items() if key != _SEAL}
    if document[_SEAL] != _digest(content):
        raise DataError(
            f"{where}: its checksum does not fit its content; it was damaged or changed",
            hint="restore the file from a copy, or write it again",
        )


def newer_version(where: str, writer: object) -> DataError:
    """Return the error for a file in a layout that this version does not know.

    Args:
        where: The file.
        writer: The version of pellucid that it names.
    """
    # the name is shown on a terminal: nothing but a version number may pass
    named = writer if isinstance(writer, str) and _VERSION.fullmatch(writer) else "(unknown)"
    return DataError(
        f"{where} was written by pellucid {named}, needs >= {named}; this is {__version__}",
        hint="update pellucid",
    )


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(strict_json.dumps(dict(content)).encode("ascii")).hexdigest()
