"""Reads arrays from HDF5 files that may come from anyone, and follows nothing out of the file.

Only hard links inside the file are followed. Arrays that lie in other files, virtual ones, arrays
of objects or references, and filters beyond HDF5's own are refused; sizes are looked at before
anything is unpacked.
"""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from pellucid.errors import DataError
from pellucid.io.files import read_bytes
from pellucid.io.imports import optional_import
from pellucid.io.messages import first_line

MAX_FILE_BYTES = 2 * 1024**3
MAX_ARRAY_BYTES = 512 * 1024**2
"""Most bytes of one array, unpacked."""
_NUMBERS = "biuf"
_FILTERS = frozenset(
    {1, 2, 3, 32000}
)  # deflate, shuffle, checksum, lzf: nothing is loaded for them
_HINT = "write it again with h5py, or with Minari"


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open the root group of a file for reading; see `group_in` and `array_in`.

    Raises:
        DataError: It is missing, damaged or no HDF5 file.
        InputError: h5py is not installed.
    """
    h5py = optional_import("h5py", extra="offline")
    content = read_bytes(path, max_bytes=MAX_FILE_BYTES)
    try:
        file = h5py.File(io.BytesIO(content), "r")
    except Exception as error:  # damaged in any way
        raise DataError(f"{path} is not a sound HDF5 file: {first_line(error)}") from None
    try:
        yield file
    finally:
        file.close()


def names_in(group: Any) -> list[str]:
    """Return the names in a group, sorted."""
    return sorted(str(name) for name in group)


def group_in(group: Any, name: str, *, where: str) -> Any:
    """Return a group in a group.

    Raises:
        DataError: It is missing, a link out of the file, or no group.
    """
    h5py = optional_import("h5py", extra="offline")
    found = _linked(group, name, where)
    if not isinstance(found, h5py.Group):
        raise DataError(f"{where} holds {name!r:.60}, which is no group")
    return found


def array_in(group: Any, name: str, *, where: str) -> Shaped[np.ndarray, "..."]:
    """Return an array in a group.

    Args:
        group: From `open_hdf5` or `group_in`.
        name: The array's name.
        where: Names the file in messages.

    Raises:
        DataError: It is missing, out of the file, too large, or no array of numbers.
    """
    h5py = optional_import("h5py", extra="offline")
    found = _linked(group, name, where)
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{where} holds {name!r:.60}, which is no array")
    what = f"the array {found.name!r:.80} in {where}"
    if found.is_virtual or found.external:
        raise DataError(f"{what} lies in another file, which is not read", hint=_HINT)
    dtype = found.dtype
    if dtype.kind not in _NUMBERS or found.shape is None:
        raise DataError(f"{what} has type {dtype!s:.60}, expected booleans, integers or floats")
    if math.prod(found.shape) * dtype.itemsize > MAX_ARRAY_BYTES:
        raise DataError(f"{what} of shape {found.shape} is larger than {MAX_ARRAY_BYTES} bytes")
    _check_filters(found, what)
    try:
        return np.asarray(found[()])
    except Exception as error:  # damaged in any way
        raise DataError(f"{what} is damaged: {first_line(error)}") from None


def _check_filters(dataset: Any, what: str) -> None:
    properties = dataset.id.get_create_plist()
    used = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if used - _FILTERS:
        raise DataError(f"{what} is packed by filter {min(used - _FILTERS)}", hint=_HINT)


def _linked(group: Any, name: str, where: str) -> Any:
    h5py = optional_import("h5py", extra="offline")
    try:
        link = group.get(name, getlink=True)
        if link is None:
            raise DataError(f"{where} has no {name!r:.60}")
        if type(link) is not h5py.HardLink:
            kind = type(link).__name__
            raise DataError(
                f"{where} holds {name!r:.60} as {kind}, which is not followed", hint=_HINT
            )
        return group[name]
    except DataError:
        raise
    except Exception as error:  # damaged in any way
        raise DataError(f"{where} is damaged at {name!r:.60}: {first_line(error)}") from None
