"""Named NumPy arrays in one safetensors file, with a checksum and the same bytes every time."""

import hashlib
import math
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Shaped
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialise

from pellucid.errors import ArtifactError, DataError
from pellucid.io import strict_json
from pellucid.io.atomic import write_bytes
from pellucid.io.files import read_bytes

# bytes per value; the formats that NumPy lacks are known, so that torch files can be checked too
ITEM_BYTES: Mapping[str, int] = {
    name: width
    for width, names in {
        1: "BOOL I8 U8 F8_E4M3 F8_E5M2",
        2: "I16 U16 F16 BF16",
        4: "I32 U32 F32",
        8: "I64 U64 F64 C64",
    }.items()
    for name in names.split()
}
NUMPY_FORMATS: Mapping[str, str] = {
    "bool": "BOOL",
    **{f"int{bits}": f"I{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"U{bits}" for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"F{bits}" for bits in (16, 32, 64)},
}
MAX_HEADER_BYTES = 100 * 1024**2  # the limit of the format itself
_LENGTH_BYTES = 8
# one key only: the library writes several in the order of a randomised hash table
_CHECKSUM = "pellucid.sha256"
_SHA256 = re.compile("[0-9a-f]{64}")


def save_arrays(path: Path, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
    """Write arrays atomically; every value survives bit for bit, and equal arrays equal bytes.

    Args:
        path: The file; the format's own ending is `.safetensors`.
        arrays: By name; booleans, integers and floats of any width up to 64 bits, any shape.

    Raises:
        TypeError: An array of another type, such as text or objects.
    """
    write_bytes(path, dump_arrays(arrays))


def dump_arrays(arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> bytes:
    """Return the bytes that `save_arrays` writes."""
    plain: dict[str, Any] = {}
    for name, array in arrays.items():
        native = np.asarray(array)
        if native.dtype.newbyteorder("=").name not in NUMPY_FORMATS:
            raise TypeError(f"array {name!r} has type {native.dtype}, which cannot be stored")
        plain[name] = np.array(native, dtype=native.dtype.newbyteorder("="), order="C")
    return serialise(plain, metadata={_CHECKSUM: _digest(plain)})


def load_arrays(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Return the arrays of a file by name.

    Raises:
        DataError: The file is missing, damaged, not safetensors, or holds a type that NumPy lacks.
    """
    return parse_arrays(read_bytes(path), where=str(path))


def parse_arrays(content: bytes, *, where: str) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Return the arrays in the bytes of a file; see `load_arrays`.

    Raises:
        DataError: As for `load_arrays`; `where` names the file.
    """
    header = check_header(content, where=where)
    known = set(NUMPY_FORMATS.values())
    odd = [name for name, entry in header.items() if entry["dtype"] not in known]
    if odd:
        raise DataError(f"{where}: array {odd[0]!r} has type {header[odd[0]]['dtype']}")
    # copies: the library's arrays are read-only views of the whole file
    return {name: np.array(array) for name, array in sorted(parse(content).items())}


def check_header(
    content: bytes, *, where: str, error: type[ArtifactError] | type[DataError] = DataError
) -> dict[str, dict[str, Any]]:
    """Return the entry of each array after checking that they fit the file exactly.

    The checks do not rest on the library that reads the values: header length, duplicate keys,
    sizes, offsets without overlap, gap or excess, and the checksum where there is one.

    Raises:
        DataError: (or `error`) One of them fails.
    """

    def refuse(what: str) -> NoReturn:
        raise error(f"{where} is not a sound safetensors file: {what}")

    if len(content) < _LENGTH_BYTES + 2:
        refuse(f"{len(content)} bytes are too few")
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if length > MAX_HEADER_BYTES or start > len(content):
        refuse(f"its header claims {length} bytes of {len(content)}")
    if content[_LENGTH_BYTES : _LENGTH_BYTES + 1] != b"{":
        refuse("its header does not begin with '{'")
    try:
        header: dict[str, dict[str, Any]] = strict_json.loads(
            content[_LENGTH_BYTES:start], where="its header"
        )
    except DataError as failure:
        refuse(str(failure))
    metadata: Any = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        refuse("its metadata is not a table of texts")
    _check_entries(header, len(content) - start, refuse)
    stored = metadata.get(_CHECKSUM)
    if stored is not None and stored != _digest_of_file(header, memoryview(content)[start:]):
        refuse("its checksum does not fit its content; it was damaged or changed")
    return header


def _check_entries(header: dict[str, Any], n_bytes: int, refuse: Any) -> None:
    spans = []
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            refuse(f"the entry of array {name[:80]!r} lacks dtype, shape or data_offsets")
        width = ITEM_BYTES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
        if width is None:
            refuse(f"array {name[:80]!r} has the unknown type {str(entry['dtype'])[:40]!r}")
        shape, offsets = entry["shape"], entry["data_offsets"]
        if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
            refuse(f"array {name[:80]!r} has no valid shape or offsets")
        if math.prod(shape) * width != offsets[1] - offsets[0]:
            refuse(f"array {name[:80]!r} of shape {shape} does not fit its offsets {offsets}")
        spans.append((offsets[0], offsets[1]))
    spans.sort()
    edges = [(0, 0), *spans, (n_bytes, n_bytes)]
    for before, after in pairwise(edges):
        if before[1] != after[0]:
            what = "overlap" if before[1] > after[0] else "leave a gap"
            refuse(f"its arrays {what} at byte {after[0]}, or its end is missing")


def _sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _digest(arrays: Mapping[str, Any]) -> str:
    entries = {
        name: (NUMPY_FORMATS[array.dtype.name], list(array.shape), _little_endian_bytes(array))
        for name, array in arrays.items()
    }
    return _hash(entries)


def _digest_of_file(header: dict[str, Any], data: memoryview) -> str:
    entries = {
        name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
        for name, entry in header.items()
    }
    return _hash(entries)


def _hash(entries: Mapping[str, tuple[str, list[int], "bytes | memoryview"]]) -> str:
    # over names, types and shapes too: a flipped bit in the header must not pass either
    digest = hashlib.sha256()
    for name in sorted(entries):
        dtype, shape, data = entries[name]
        digest.update(strict_json.dumps([name, dtype, shape, len(data)]).encode())
        digest.update(data)
    return digest.hexdigest()


def _little_endian_bytes(array: Any) -> bytes:
    return bytes(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
