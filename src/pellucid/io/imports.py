"""Imports what a user names as `module:attribute`; the working directory is importable.

Importing runs the module: these names come from the user's own command line or script, never from
a file that is being opened.
"""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from pellucid.errors import InputError

_FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_import_string(text: str) -> bool:
    """Whether a text has the form `module:attribute`."""
    return _FORM.fullmatch(text) is not None


def import_object(text: str) -> Any:
    """Return the object that `module:attribute` names.

    Raises:
        InputError: Another form, no such module, it fails on import, or it has no such attribute.
    """
    if not is_import_string(text):
        raise InputError(f"{text!r} is not of the form module:attribute")
    module_name, _, attribute = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        # appended, so that a file here never hides an installed package
        sys.path.append(here)
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # the user's module may raise anything; scripts exit
        raise InputError(
            f"{module_name!r} cannot be imported: {type(error).__name__}: {_one_line(error)}",
            hint="the working directory is importable; check the name and its own imports",
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InputError(f"{module_name!r} has no {attribute!r}")
        found = getattr(found, part)
    return found


def _one_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def optional_import(module: str, *, extra: str) -> Any:
    """Return a module of an optional dependency.

    Raises:
        InputError: It is not installed; the hint says which extra brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise InputError(
            f"{package} is needed and cannot be imported: {_one_line(error)}",
            hint=f"pip install 'pellucid[{extra}]'",
        ) from error
