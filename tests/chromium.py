"""A headless Chromium for the tests that look at a page as a reader does: one for the session."""

import os
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
