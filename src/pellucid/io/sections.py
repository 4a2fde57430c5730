"""Turns text that a person wrote in a configuration into the typed arguments of a function.

YAML is read as text only (`envs.naming.read_yaml`): what a value means is decided by the annotation
of the argument that it is for, never guessed from its looks. An unknown key is refused with the
nearest one, and every message names the place, as in `sampling.temperature`.
"""

import collections.abc
import dataclasses
import functools
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pellucid.errors import InputError
from pellucid.registry import unknown_name

Built = TypeVar("Built")

_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NOTHING = ("", "null", "none", "~")
_LISTS = (list, tuple, collections.abc.Sequence)
_TABLES = (dict, collections.abc.Mapping)


def read_section(make: Callable[..., Built], section: Any, *, where: str) -> Built:
    """Return `make(**section)`, each value read as its argument's annotation says.

    Args:
        make: A dataclass or a function with annotations.
        section: Keys with values, all text, lists or further sections; None for an empty one.
        where: What the section is called, for messages; empty for a whole document.

    Raises:
        InputError: An unknown or missing key, a value that cannot be read, or `make` refuses.

    Example:
        >>> @dataclasses.dataclass
        ... class Optimiser:
        ...     learning_rate: float
        ...     steps: int = 10
        >>> read_section(Optimiser, {"learning_rate": "1e-3"}, where="optimiser")
        Optimiser(learning_rate=0.001, steps=10)
    """
    arguments = read_arguments(make, section, where=where)
    try:
        return make(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(_at(where, error)) from None
    except InputError as error:
        raise type(error)(_at(where, error), hint=error.hint) from None


def read_arguments(make: Callable[..., Any], section: Any, *, where: str) -> dict[str, Any]:
    """Return the typed arguments for `make`; see `read_section`.

    Raises:
        InputError: An unknown or missing key, or a value that cannot be read.
    """
    table = _table(section, where)
    parameters = inspect.signature(make).parameters
    inner = make.func if isinstance(make, functools.partial) else make
    hints = typing.get_type_hints(inner.__init__ if inspect.isclass(inner) else inner)
    known = [name for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD]
    for key in table:
        if key not in known:
            error = unknown_name("key", key, known)
            raise InputError(_at(where, error), hint=error.hint)
    for name in known:
        if parameters[name].default is inspect.Parameter.empty and name not in table:
            raise InputError(_at(where, f"the key {name!r} is missing"))
    return {
        key: read_value(value, hints.get(key, Any), where=f"{where}.{key}" if where else key)
        for key, value in table.items()
    }


def read_value(value: Any, annotation: Any, *, where: str) -> Any:
    """Return a value as an annotation says.

    Args:
        value: Text, a list or a section.
        annotation: int, float, str, bool, Literal, a dataclass, a union of these, or lists and
            mappings of them; Any leaves the value as it is.
        where: Its place, for messages.

    Raises:
        InputError: It cannot be read so.
    """
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _read_union(value, inner, where)
    if origin is typing.Literal:
        return _choice(value, inner, where)
    if origin in _LISTS or annotation in _LISTS:
        return _read_list(value, origin or annotation, inner, where)
    if origin in _TABLES or annotation in _TABLES:
        kind = inner[1] if inner else Any
        table = _table(value, where)
        return {k: read_value(item, kind, where=f"{where}.{k}") for k, item in table.items()}
    if dataclasses.is_dataclass(annotation):
        return read_section(typing.cast(Any, annotation), value, where=where)
    return _read_scalar(value, annotation, where)


def with_changes(document: Any, changes: Mapping[str, Any], *, where: str) -> Any:
    """Return a document in which the values at dotted paths are others.

    Args:
        document: Nested mappings and lists, as `read_yaml` returns them; it is left as it is.
        changes: By path, such as `sampling.temperature` or `rewards.0.weight`; a last key that is
            not there is added, and whoever reads the document says whether it is known.
        where: What the document is called, for messages.

    Raises:
        InputError: A path leads through something that has no parts.

    Example:
        >>> with_changes({"a": {"b": "1"}}, {"a.b": "2", "a.c": "3"}, where="x")
        {'a': {'b': '2', 'c': '3'}}
    """
    for path, value in changes.items():
        document = _changed(document, path.split("."), value, path, where)
    return document


def _changed(document: Any, parts: list[str], value: Any, path: str, where: str) -> Any:
    if not parts:
        return value
    first, rest = parts[0], parts[1:]
    if isinstance(document, list):
        if not first.isdecimal() or int(first) >= len(document):
            raise InputError(
                f"{where}: {path!r} leads to entry {first!r} of a list of {len(document)}"
            )
        items = list(document)
        items[int(first)] = _changed(items[int(first)], rest, value, path, where)
        return items
    if document is not None and not isinstance(document, Mapping):
        raise InputError(f"{where}: {path!r} leads into {document!r:.80}, which has no parts")
    table = dict(document or {})
    table[first] = _changed(table.get(first), rest, value, path, where)
    return table


def _table(section: Any, where: str) -> Mapping[str, Any]:
    if section is None or section == "":
        return {}
    if not isinstance(section, Mapping):
        raise InputError(_at(where, f"expected keys with values, got {section!r:.80}"))
    return section


def _at(where: str, what: object) -> str:
    return f"{where}: {what}" if where else str(what)


def _read_list(value: Any, kind: Any, inner: tuple[Any, ...], where: str) -> Any:
    if not isinstance(value, list | tuple):
        raise InputError(f"{where}: expected a list, got {value!r:.80}", hint="write [a, b]")
    item = inner[0] if inner else Any
    items = [read_value(one, item, where=f"{where}.{i}") for i, one in enumerate(value)]
    return items if kind is list else tuple(items)


def _read_union(value: Any, members: tuple[Any, ...], where: str) -> Any:
    if type(None) in members and (
        value is None or (isinstance(value, str) and value.lower() in _NOTHING)
    ):
        return None
    # text last: everything can be read as text
    kinds = sorted((m for m in members if m is not type(None)), key=lambda m: m is str)
    for kind in kinds[:-1]:
        try:
            return read_value(value, kind, where=where)
        except InputError:
            continue
    return read_value(value, kinds[-1], where=where)


def _choice(value: Any, choices: tuple[Any, ...], where: str) -> Any:
    named = {str(choice): choice for choice in choices}
    if not isinstance(value, str) or value not in named:
        if isinstance(value, str):
            error = unknown_name("value", value, list(named))
            raise InputError(f"{where}: {error}", hint=error.hint)
        raise InputError(f"{where}: expected one of {', '.join(named)}, got {value!r:.80}")
    return named[value]


def _read_scalar(value: Any, kind: Any, where: str) -> Any:
    if value is None:
        value = ""
    if isinstance(value, bool | int | float) and type(value) is kind:
        return value
    if not isinstance(value, str):
        raise InputError(f"{where}: expected {_words(kind)}, got {value!r:.80}")
    if kind is str:
        return value
    try:
        return _PARSERS[kind](value.strip())
    except KeyError:
        raise TypeError(f"{where}: no text is read as {kind}") from None
    except ValueError:
        raise InputError(f"{where}: expected {_words(kind)}, got {value!r:.80}") from None


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text.lower()]


def _whole(text: str) -> int:
    if not text.isascii() or len(text) > 30:
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    value = float(text) if text.isascii() else math.nan
    if not math.isfinite(value):
        raise ValueError(text)
    return value


_PARSERS: Mapping[Any, Callable[[str], Any]] = {bool: _truth, int: _whole, float: _number}


def _words(kind: Any) -> str:
    named = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return named.get(kind, str(kind))
