"""A headless Chromium for the tests that look at the page as a reader does, and what helps it."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for the session; each test opens its own context."""
    if not CHROMIUM.exists():
        # the gate installs it: there, a missing browser must not pass as a green run
        assert not os.environ.get("CI"), "no chromium at /usr/bin/chromium"
        pytest.skip("no chromium at /usr/bin/chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


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
