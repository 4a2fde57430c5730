"""What the command writes: data on stdout, talk on stderr, and nothing that a terminal obeys.

Text from agents, environments and plug-ins is outside text; every line passes `terminal_safe`.
"""

import os
import shutil
import sys
from typing import Any, TextIO

DEFAULT_WIDTH = 80

_ASCII = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "...",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "·": "*",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
        "±": "+-",
    }
)


def prepare_streams() -> None:
    """Let no character that the locale lacks raise; it is replaced on its way out."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def terminal_width() -> int:
    """Return the columns of the terminal, 80 if there is none."""
    return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns


def write_lines(text: str) -> None:
    """Write lines of data to stdout, each made safe."""
    _write(sys.stdout, "\n".join(safe(line) for line in text.split("\n")))


def write_json(document: Any) -> None:
    """Write one strict JSON document to stdout; JSON is ASCII, so no terminal obeys it."""
    from pellucid.io import strict_json

    _write(sys.stdout, strict_json.dumps(document))


def write_note(text: str) -> None:
    """Write one line of talk to stderr."""
    _write(sys.stderr, safe(" ".join(text.split("\n"))))


def safe(line: str) -> str:
    """Return a line without anything that a terminal obeys."""
    if line.isprintable():
        return line
    # only text with something to take out pays for the import
    from pellucid.explanation.outside import terminal_safe

    return terminal_safe(line)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None or stream.closed:  # started with it closed, as in `>&-`
        return
    try:
        stream.write(_encodable(text, stream) + "\n")
        stream.flush()
    except BrokenPipeError:
        abandon(stream)


def _encodable(text: str, stream: TextIO) -> str:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return text.translate(_ASCII)
    return text


def abandon(stream: TextIO) -> None:
    """Let a stream whose reader has gone (`| head`) swallow what is still buffered."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
