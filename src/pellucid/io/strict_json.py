"""JSON without the extensions that other readers reject, and without silent losses.

NaN means "not measured" and is written as `null`; infinities are written as the strings
`"Infinity"` and `"-Infinity"`. What is read may hold none of Python's own literals, no duplicate
keys and no deep nesting, and every failure is one line with a position.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any, NoReturn

import numpy as np

from pellucid.errors import DataError
from pellucid.io.files import read_bytes

MAX_DEPTH = 100
MAX_DOCUMENT_BYTES = 256 * 1024**2
# one match per string or bracket; the closing quote is optional so that a string that never ends
# is scanned once and not once per quote in it
_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


def dumps(document: Any, *, indent: int | None = None) -> str:
    """Return strict JSON with keys in the order given, ASCII only.

    Args:
        document: Mappings with text keys, sequences, NumPy arrays and scalars, paths, numbers,
            text, None.
        indent: Spaces per level; None for one line.

    Raises:
        TypeError: A value of another type, or a key that is not text.
        ValueError: Nested deeper than `MAX_DEPTH`, as a document that contains itself is.

    Example:
        >>> dumps({"b": float("nan"), "a": [-0.0, float("-inf")]})
        '{"b": null, "a": [-0.0, "-Infinity"]}'
    """
    return json.dumps(_plain(document, 0), allow_nan=False, indent=indent)


def loads(
    text: str | bytes, *, where: str = "the document", non_finite_literals: bool = False
) -> Any:
    """Return the value of a strict JSON document.

    Args:
        text: The document; bytes are UTF-8.
        where: What it is called in errors, such as its path.
        non_finite_literals: Accept Python's `NaN` and `Infinity`, which files of other programs
            hold.

    Raises:
        DataError: Not JSON, or with duplicate keys, such literals, numbers beyond a double's
            range, or nested deeper than `MAX_DEPTH`.
    """

    def refuse(what: str) -> NoReturn:
        raise DataError(f"{where} is not strict JSON: {what}")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            seen: set[str] = set()
            twice = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            refuse(f"the key {twice[:80]!r} occurs twice")
        return found

    def number(digits: str) -> float:
        value = float(digits)
        return value if math.isfinite(value) else refuse(f"{digits[:40]} is out of range")

    def literal(name: str) -> float:
        return float(name) if non_finite_literals else refuse(f"{name} is not a JSON value")

    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        _check_depth(decoded, refuse)
        return json.loads(
            decoded, object_pairs_hook=pairs, parse_float=number, parse_constant=literal
        )
    except UnicodeDecodeError as error:
        refuse(f"byte {error.start} is not UTF-8")
    except json.JSONDecodeError as error:
        refuse(f"line {error.lineno}, column {error.colno}: {error.msg}")
    except ValueError as error:  # an integer with thousands of digits
        refuse(str(error).partition(";")[0])


def read(path: Path, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Any:
    """Return the value of a strict JSON file.

    Raises:
        DataError: The file cannot be read, or as for `loads`.
    """
    return loads(read_bytes(path, max_bytes=max_bytes), where=str(path))


def finite_or_text(value: Any) -> float:
    """Return a number that `dumps` has written: `null` is NaN, the two strings are infinities.

    Raises:
        ValueError: Anything else.
    """
    if value is None:
        return math.nan
    if value in ("Infinity", "-Infinity"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, got {value!r}")
    return float(value)


def _check_depth(text: str, refuse: Any) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRUCTURE.finditer(text):
        first = text[match.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                refuse(f"nested deeper than {MAX_DEPTH} levels at character {match.start()}")
        elif first in "]}":
            depth -= 1


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels, or contains itself")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _plain_array(value, depth)
    if isinstance(value, str):
        return str.__str__(value)  # an enumeration is written by its value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _plain_items(value, depth)
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _plain_items(values: Iterable[Any], depth: int) -> list[Any]:
    return [_plain(item, depth + 1) for item in values]


def _plain_array(value: "np.ndarray[Any, Any] | np.generic[Any]", depth: int) -> Any:
    if value.dtype.kind not in "biufU":
        raise TypeError(f"a NumPy value of type {value.dtype} cannot be written as JSON")
    return _plain(value.tolist(), depth)


def _plain_float(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(value)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a JSON key must be text, got {key!r}")
    return str(key)
