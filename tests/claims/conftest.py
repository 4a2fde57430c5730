"""A plug-in whose claims do what a test tells them."""

from pathlib import Path

import pytest

from tests.claims.toy import POINTS, SOURCE, Toy


@pytest.fixture
def toy(write_plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    package = write_plugin("toy-claims", {"toyclaims": SOURCE}, POINTS)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("TOY_FOLDER", str(folder))
    return Toy(folder, package)
