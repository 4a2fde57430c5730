"""Rows as plain JSON documents and back; what does not fit a row is refused with its place."""

import dataclasses
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from pellucid.errors import DataError
from pellucid.io import strict_json
from pellucid.posttrain.recording.rows import (
    ContextName,
    EvaluationRow,
    RunHead,
    SampleRow,
    TokenRow,
    UpdateRow,
    When,
)

Row = TypeVar("Row", UpdateRow, SampleRow, TokenRow, EvaluationRow, RunHead)

_DIGITS = 6  # of a token's numbers: single precision has hardly more


def row_document(row: Any) -> dict[str, Any]:
    """Return a row as a document; what has its default value is left out.

    Args:
        row: One of the dataclasses of `rows`.
    """
    document = {}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if not _is_default(field, value):
            document[field.name] = _rounded(value) if isinstance(row, TokenRow) else value
    return document


def row_from(cls: type[Row], document: Any, *, where: str) -> Row:
    """Return the row that a document holds.

    Args:
        cls: Class of the row.
        document: What `row_document` returned, through JSON.
        where: Named in errors.

    Raises:
        DataError: A key is missing or unknown, or a value is of another type.
    """
    readers = _READERS[cls]
    try:
        if not isinstance(document, Mapping):
            raise TypeError("expected keys with values")
        unknown = sorted(document.keys() - readers.keys())
        if unknown:
            raise TypeError(f"unknown key {unknown[0]!r:.80}")
        return cls(**{key: _read(readers, key, value) for key, value in document.items()})
    except (TypeError, ValueError) as error:
        raise DataError(f"{where} is no {cls.__name__}: {str(error)[:200]}") from None


def _read(readers: Mapping[str, Callable[[Any], Any]], key: str, value: Any) -> Any:
    try:
        return readers[key](value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key}: {error}") from None


def _is_default(field: "dataclasses.Field[Any]", value: Any) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return not value
    if isinstance(value, float) and math.isnan(value):
        return isinstance(field.default, float) and math.isnan(field.default)
    # an exact type: False and 0 are equal, and are not the same answer
    return type(value) is type(field.default) and bool(value == field.default)


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


# --- from JSON's types to those of the fields ---


def _readers(cls: type[Any]) -> Mapping[str, Callable[[Any], Any]]:
    hints = typing.get_type_hints(cls)
    return {field.name: _KINDS[hints[field.name]] for field in dataclasses.fields(cls)}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r:.80}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"expected a whole number, got {value!r:.80}")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, got {value!r:.80}")
    return value


def _named(read: Callable[[Any], Any]) -> Callable[[Any], Mapping[str, Any]]:
    def read_all(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise TypeError(f"expected names with values, got {value!r:.80}")
        return {name: read(item) for name, item in value.items()}

    return read_all


def _listed(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise TypeError(f"expected a list, got {value!r:.80}")
        return tuple(map(read, value))

    return read_all


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _one_of(choices: Any) -> Callable[[Any], str]:
    allowed = typing.get_args(choices)

    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}, got {value!r:.80}")
        return cast(str, value)

    return check


_number = strict_json.finite_or_text
_KINDS: Mapping[Any, Callable[[Any], Any]] = {
    str: _text,
    int: _whole,
    float: _number,
    str | None: _optional(_text),
    int | None: _optional(_whole),
    bool | None: _optional(_truth),
    tuple[str, ...]: _listed(_text),
    tuple[str | None, ...]: _listed(_optional(_text)),
    tuple[float, ...] | None: _optional(_listed(_number)),
    tuple[bool, ...] | None: _optional(_listed(_truth)),
    Mapping[str, float]: _named(_number),
    Mapping[str, str]: _named(_text),
    Mapping[str, Any]: _named(lambda value: value),
    ContextName: _one_of(ContextName),
    When: _one_of(When),
}
_READERS = {cls: _readers(cls) for cls in (UpdateRow, SampleRow, TokenRow, EvaluationRow, RunHead)}
