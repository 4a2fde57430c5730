"""What `--groups` names: a grid of image patches, or a file with lists of inputs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid.envs.naming import MAX_NAMES_BYTES, read_yaml
from pellucid.errors import InputError
from pellucid.io.files import read_bytes

_GRID = re.compile(r"\d{1,4}\s*[x×]\s*\d{1,4}")


def asked_groups(text: str | None) -> str | dict[str, list[str]] | None:
    """Return groups as methods take them and runs store them; nothing in a file is executed.

    Args:
        text: A grid such as `8x8`, or the path of a YAML file that maps the name of each group to a
            list of inputs, by name or by number from 0.

    Raises:
        InputError: It is neither.
        DataError: The file cannot be read.
    """
    if text is None or _GRID.fullmatch(text.strip()):
        return text
    file = Path(text)
    if not file.is_file():
        raise InputError(
            f"--groups must be a grid such as 8x8, or a YAML file; there is no file {text}",
        )
    content = read_yaml(read_bytes(file, max_bytes=MAX_NAMES_BYTES), where=str(file))
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{file}: expected names of groups, each with a list of inputs")
    return {name: _listed(name, inputs, file) for name, inputs in content.items()}


def _listed(name: str, inputs: Any, file: Path) -> list[str]:
    if not isinstance(inputs, list) or not all(isinstance(item, str) for item in inputs):
        raise InputError(f"{file}: the group {name!r} must be a list of inputs")
    return inputs
