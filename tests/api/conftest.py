"""One finished run, made once; tests that change it copy it."""

import shutil

import pytest

from tests.cli import runs


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    return runs.small_run(folder)


@pytest.fixture
def finished(finished_once, tmp_path):
    """Return a copy of the folder of a finished run."""
    return shutil.copytree(finished_once.folder, tmp_path / "run")
