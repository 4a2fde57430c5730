"""A headless Chromium, one for the session, and axe, which looks for what readers cannot use."""

import os
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
    root = Path(__file__).parents[1]
    for folder in (Path(sys.prefix), root / ".venv"):
        if (folder / "axe" / "axe.min.js").is_file():
            return (folder / "axe" / "axe.min.js").read_text(encoding="utf-8")
    assert not os.environ.get("CI"), "axe-core is missing: make test-browser fetches it"
    pytest.skip("axe-core is missing: make test-browser fetches it")


AXE = "axe.run(document, {resultTypes: ['violations']})"


def serious_violations(page: Any, axe_source: str) -> list[tuple[str, str, list[str]]]:
    """What axe finds serious on a page with everything on it opened and laid out."""
    page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
    # what is out of sight is not laid out, and axe would not look at it
    page.eval_on_selector_all(
        "section", "els => els.forEach(e => e.style.contentVisibility = 'visible')"
    )
    page.evaluate(axe_source)
    return [
        (v["id"], v["impact"], [node["html"][:120] for node in v["nodes"][:3]])
        for v in page.evaluate(AXE)["violations"]
        if v["impact"] in ("serious", "critical")
    ]
