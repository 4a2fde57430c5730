"""What was published for the shipped problems."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "data" / "bridge"


def published(name: str, what: str) -> dict[str, Any]:
    """Return one published document: `analyzed`, `analyzed_sticky_0.25` or `gorp_bounds`."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.consolidated_{what}.json").read_text())
    return document
