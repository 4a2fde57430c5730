"""Reads the arrays of NumPy's `.npz` archives that are asked for, and builds no objects.

The header of each array is checked before its values are touched: a plain number type, no more
values than the member holds, and no more bytes than the limit.
"""

import io
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from pellucid.errors import DataError
from pellucid.io.files import read_bytes
from pellucid.io.zips import ZipLimits, open_zip, read_member

MAX_ARRAY_BYTES = 512 * 1024**2
"""Most bytes of one array that is read, its header included."""
# archives with pictures beside the arrays that are read are large, and stay packed
_LIMITS = ZipLimits(n_members=64, n_bytes=None, ratio=None)
_MAX_HEADER_BYTES = 10_000
_NUMBERS = "biuf"
_MAKER = "give the file that numpy.savez(...) or numpy.savez_compressed(...) wrote"


def read_npz(path: Path, names: Iterable[str]) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Return the named arrays of a `.npz` file; others in it are left alone.

    Args:
        path: The file.
        names: Arrays that it must hold.

    Raises:
        DataError: The file is missing, damaged, too large or not such an archive, lacks one of
            the arrays, or holds one of another type than booleans, integers or floats.
    """
    content = read_bytes(path)
    where = str(path)
    with open_zip(content, where=where, limits=_LIMITS, error=DataError, hint=_MAKER) as archive:
        stored = sorted(name.removesuffix(".npy") for name in archive.namelist())
        arrays = {}
        for name in names:
            if name not in stored:
                held = ", ".join(stored[:8]) or "nothing"
                raise DataError(f"{where} has no array {name!r}; it holds {held}")
            member = read_member(
                archive, f"{name}.npy", where=where, max_bytes=MAX_ARRAY_BYTES, error=DataError
            )
            arrays[name] = _parse(member, f"array {name!r} in {where}")
    return arrays


def members_of(path: Path) -> frozenset[str]:
    """Return the names of the arrays in a `.npz` file.

    Raises:
        DataError: The file is missing, damaged or not such an archive.
    """
    content, where = read_bytes(path), str(path)
    with open_zip(content, where=where, limits=_LIMITS, error=DataError, hint=_MAKER) as archive:
        return frozenset(name.removesuffix(".npy") for name in archive.namelist())


def _parse(content: bytes, where: str) -> Shaped[np.ndarray, "..."]:
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, by_columns, dtype = read_header(stream, max_header_size=_MAX_HEADER_BYTES)
    except Exception as failure:  # damaged in any way; nothing is built from a header
        raise DataError(f"{where} is damaged: its header cannot be read") from failure
    if dtype.kind not in _NUMBERS:
        raise DataError(f"{where} has type {dtype}, expected booleans, integers or floats")
    n_bytes = len(content) - stream.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != n_bytes:
        raise DataError(f"{where} of shape {shape} does not fit its {n_bytes} bytes")
    values = np.frombuffer(content, dtype=dtype, offset=stream.tell())
    array = values.reshape(shape, order="F" if by_columns else "C")
    # a copy in native byte order: the buffer is read-only and holds the header too
    return np.array(array, dtype=dtype.newbyteorder("="), order="C")
