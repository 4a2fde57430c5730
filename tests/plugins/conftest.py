"""Installs the toy plug-in the way users install one."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TOY = Path(__file__).parent / "pellucid_toy"


@pytest.fixture(scope="session")
def installed_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the toy package."""
    source = tmp_path_factory.mktemp("source") / "pellucid_toy"
    shutil.copytree(TOY, source)
    target = tmp_path_factory.mktemp("target")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    return target


@pytest.fixture
def toy(installed_toy: Path, on_path: Callable[[Path], None]) -> Path:
    """The toy plug-in, importable and announced for one test."""
    on_path(installed_toy)
    return installed_toy
