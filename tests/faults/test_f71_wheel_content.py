"""F71: sdist and wheel hold the same package, with its templates and agents, and nothing large.

Installing the wheel in a fresh environment and using it is `scripts/check_wheel.py`.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, int]:
    """Size of each file of the wheel by its path, metadata aside."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    return {m.filename: m.file_size for m in members if ".dist-info/" not in m.filename}


@pytest.fixture(scope="module")
def sdist(built: Path) -> dict[str, int]:
    """Size of each file of the sdist by its path within it."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {m.name.partition("/")[2]: m.size for m in archive.getmembers() if m.isfile()}


def in_checkout() -> set[str]:
    package = ROOT / "src" / "pellucid"
    files = (p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(ROOT / "src").as_posix() for p in files}


def test_f71_sdist_holds_what_the_wheel_holds(wheel: dict[str, int], sdist: dict[str, int]) -> None:
    package = {name.removeprefix("src/"): size for name, size in sdist.items() if "src/" in name}
    assert package == wheel


def test_f71_wheel_holds_every_file_of_the_package(wheel: dict[str, int]) -> None:
    assert set(wheel) == in_checkout()


def test_f71_templates_types_and_the_shipped_agent_are_in_the_wheel(wheel: dict[str, int]) -> None:
    assert "pellucid/py.typed" in wheel
    assert any(name.startswith("pellucid/report/templates/") for name in wheel)
    assert any(name.endswith("shipped/lunarlander/weights.safetensors") for name in wheel)


def test_f71_beside_the_package_the_sdist_holds_only_project_documents(
    sdist: dict[str, int],
) -> None:
    beside = {name for name in sdist if not name.startswith("src/")}
    assert beside - {".gitignore"} == {
        "PKG-INFO",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "pyproject.toml",
    }


def test_f71_no_file_is_over_a_megabyte(wheel: dict[str, int], sdist: dict[str, int]) -> None:
    assert {n: s for n, s in (wheel | sdist).items() if s > MOST_BYTES} == {}
