"""Writes what an explanation found in a form that other programs use."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pellucid.errors import CapabilityError, InputError
from pellucid.explanation.content import Surrogate
from pellucid.explanation.explanation import Explanation
from pellucid.explanation.programs import export_json, export_python
from pellucid.io import atomic

EXPORTS: Mapping[str, Callable[[Surrogate], str]] = {".py": export_python, ".json": export_json}
"""What each ending of a file stands for."""


def can_export(explanation: Explanation) -> bool:
    """Whether an explanation holds something to export: a stand-in that can be run."""
    content = explanation.content
    return isinstance(content, Surrogate) and bool(len(content.features))


def export_explanation(explanation: Explanation, path: str | Path) -> Path:
    """Write the stand-in of an explanation as Python source or as JSON; return the path.

    Args:
        explanation: One whose content is a stand-in.
        path: Ends in `.py` or `.json`; missing folders are made.

    Raises:
        InputError: Another ending.
        CapabilityError: The explanation holds no stand-in that can be run.
    """
    target = Path(path)
    write = EXPORTS.get(target.suffix)
    if write is None:
        raise InputError(
            f"expected a path that ends in {' or '.join(EXPORTS)}, got {target.name!r}",
            hint="save() stores the whole explanation",
        )
    content = explanation.content
    if not can_export(explanation) or not isinstance(content, Surrogate):
        raise CapabilityError(
            f"{explanation.method} found no stand-in to export",
            hint="explain with method viper-tree; save() stores any explanation",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(target, write(content) + ("" if target.suffix == ".py" else "\n"))
    return target
