"""Calls a factory that a configuration names, with options that a person wrote."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pellucid.errors import InputError
from pellucid.registry import unknown_name

Built = TypeVar("Built")


def build(
    what: str, name: str, factories: Mapping[str, Callable[..., Built]], options: Mapping[str, Any]
) -> Built:
    """Return `factories[name](**options)`.

    Args:
        what: What is made, for messages.
        name: One of the factories.
        factories: By name.
        options: Its arguments, all by name.

    Raises:
        InputError: An unknown name or option (the hint has the nearest), one that is missing, or a
            value of a type that the factory does not take.
    """
    if name not in factories:
        raise unknown_name(what, name, list(factories))
    factory = factories[name]
    known = inspect.signature(factory).parameters
    for option in options:
        if option not in known:
            raise unknown_name(f"option of the {what} {name!r}", str(option), list(known))
    missing = [
        key
        for key, parameter in known.items()
        if parameter.default is inspect.Parameter.empty
        and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        and key not in options
    ]
    if missing:
        raise InputError(f"the {what} {name!r} needs the option {missing[0]!r}")
    try:
        return factory(**options)
    except (TypeError, ValueError) as failure:
        given = ", ".join(f"{key}={value!r}" for key, value in options.items())[:200]
        raise InputError(f"the {what} {name!r} cannot be made with {given}: {failure}") from None
