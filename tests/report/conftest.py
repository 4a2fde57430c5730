"""What helps tests that look at the page as a reader does; the browser is in tests/chromium.py."""

import os
import shutil
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which `make test-browser` fetches."""
    root = Path(__file__).parents[2]
    for folder in (Path(sys.prefix), root / ".venv"):
        if (folder / "axe" / "axe.min.js").is_file():
            return (folder / "axe" / "axe.min.js").read_text(encoding="utf-8")
    assert not os.environ.get("CI"), "axe-core is missing: make test-browser fetches it"
    pytest.skip("axe-core is missing: make test-browser fetches it")


@pytest.fixture(scope="session")
def pdftotext() -> str:
    """The program that reads a printed page."""
    found = shutil.which("pdftotext")
    if found is None:
        assert not os.environ.get("CI"), "pdftotext is missing: it is in poppler-utils"
        pytest.skip("pdftotext is missing: it is in poppler-utils")
    return found
