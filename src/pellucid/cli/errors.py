"""Errors as people and programs read them: one line, or one JSON document."""

import tempfile
import traceback
from pathlib import Path
from typing import Any

import typer

from pellucid.cli.streams import write_json, write_note
from pellucid.errors import PellucidError

MAX_MESSAGE = 2000
"""Characters of a message that are shown; a file may put any length of text in one."""
BAD_INPUT, INTERRUPTED, TERMINATED = 2, 130, 143

# `typer` shows its base class of usage errors only as a base, and which package it comes from
# has changed with its version
USAGE_ERRORS: tuple[type[Exception], ...] = tuple(
    cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException"
)


def report_error(kind: str, message: str, hint: str | None, *, as_json: bool) -> int:
    """Write an error to stderr, or as JSON to stdout; return the exit code for bad input."""
    one_line = _one_line(message)
    hint = _one_line(hint) if hint else None
    if as_json:
        write_json({"error": {"kind": kind, "message": one_line, "hint": hint}})
    else:
        more = f" ({hint})" if hint else ""
        write_note(f"pellucid: error: {one_line}{more}")
    return BAD_INPUT


def _one_line(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE - 1]}…"


def report_pellucid_error(error: PellucidError, *, as_json: bool) -> int:
    """Write one of our own errors."""
    return report_error(error.kind, str(error), error.hint, as_json=as_json)


def report_usage_error(error: Any, *, as_json: bool) -> int:
    """Write a mistake in the command line itself."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "pellucid"
    hint = f"see {command} --help"
    message = error.format_message().rstrip(".")
    return report_error("usage", message, hint, as_json=as_json)


def report_fault(error: BaseException, *, as_json: bool) -> int:
    """Write an error that nobody foresaw; its traceback goes to a file."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="pellucid-error-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    return report_error(
        "unexpected",
        f"{type(error).__name__}: {error}",
        f"unforeseen; the traceback is in {Path(file.name)}",
        as_json=as_json,
    )
