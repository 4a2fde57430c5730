"""The import contracts hold, and they would notice a breach."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package in `folder/src` by the contracts in `folder/pyproject.toml`."""
    start = f"import sys; sys.path.insert(0, {str(folder / 'src')!r}); "
    return subprocess.run(
        [sys.executable, "-c", start + LINT],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_imports_only_go_down(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src").symlink_to(ROOT / "src")
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("path", "line", "finding"),
    [
        ("stats.py", "from pellucid import api", "pellucid.stats -> pellucid.api"),
        ("explainers/state/breach.py", "import pellucid.report", "breach -> pellucid.report"),
        (
            "explainers/state/breach.py",
            "import pellucid.explainers.model.why_not",
            "breach -> pellucid.explainers.model.why_not",
        ),
        ("io/breach.py", "import pickle", "pellucid.io.breach -> pickle"),
        ("newcomer.py", "", "newcomer"),
    ],
)
def test_a_breach_is_found(tmp_path: Path, path: str, line: str, finding: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src")
    with (tmp_path / "src" / "pellucid" / path).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode != 0
    assert finding in done.stdout, done.stdout


def test_every_layer_of_the_decision_note_is_enforced() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [c["layers"] for c in contracts["contracts"] if c["id"] == "layers"]
    note = (ROOT / "design" / "0001-layers.md").read_text().split("```")[1]
    assert [line.strip() for line in note.split(">")] == layers
