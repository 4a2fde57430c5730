"""What helps tests that read the page on paper; the browser is in tests/chromium.py."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def pdftotext() -> str:
    """The program that reads a printed page."""
    found = shutil.which("pdftotext")
    if found is None:
        assert not os.environ.get("CI"), "pdftotext is missing: it is in poppler-utils"
        pytest.skip("pdftotext is missing: it is in poppler-utils")
    return found
