"""The walk-through of CONTRIBUTING.md is true: an explainer is six files, and they are enough."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid import registry

ROOT = Path(__file__).resolve().parents[1]
STEPS = re.findall(
    r"^\d\. \*\*.*?(?=^\d\. |\n\n)", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S
)
LIST = "from pellucid.cli.main import main; raise SystemExit(main(['list', 'explainers']))"
FAMILY, METHOD = "state", "toy-jumps"


def named(step: str) -> str:
    """Return the file that one step names, for the toy method in the family of states."""
    path = re.search(r"`((?:src|tests|docs|examples|changelog\.d)/[^`]+)`", step)[1]
    path = path.replace("<family>", FAMILY)
    return path.replace("my_method", "toy_jumps").replace("my-method", METHOD)


def test_the_walk_through_names_six_files() -> None:
    assert [named(step) for step in STEPS] == [
        "src/pellucid/explainers/state/toy_jumps.py",
        "tests/explainers/state/test_toy_jumps.py",
        "src/pellucid/explainers/state/__init__.py",
        "docs/references.bib",
        "examples/toy_jumps.py",
        "changelog.d/toy-jumps.added.md",
    ]


@pytest.mark.parametrize("name", registry.names("explainers"))
def test_every_explainer_has_the_six_files(name: str) -> None:
    module = registry.items("explainers")[name].module
    source = ROOT / "src" / Path(*module.split(".")).with_suffix(".py")
    family, stem = source.parent, source.stem
    assert source.is_file()
    assert (ROOT / "tests" / "explainers" / family.name / f"test_{stem}.py").is_file()
    lists = [path.read_text() for path in family.parent.glob("*/__init__.py")]
    assert sum(f'"{name}": "{module}"' in text for text in lists) == 1
    assert (ROOT / "examples" / f"{stem}.py").is_file()


def test_following_it_lists_runs_and_documents_a_new_method(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src")
    toy = ROOT / "tests" / "plugins" / "pellucid_toy" / "src" / "pellucid_toy"
    shutil.copy(toy / "jumps.py", tmp_path / named(STEPS[0]))
    metric = (toy / "jump_size.py").read_text()
    metric = metric.replace("pellucid_toy.jumps", "pellucid.explainers.state.toy_jumps")
    (tmp_path / "src" / "pellucid" / "faithfulness" / "jump_size.py").write_text(metric)
    add_line(tmp_path / named(STEPS[2]), f'"{METHOD}": "pellucid.explainers.state.toy_jumps"')
    init = tmp_path / "src" / "pellucid" / "faithfulness" / "__init__.py"
    add_line(init, '"toy_jump_size": "pellucid.faithfulness.jump_size"')
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "build_docs.py", tmp_path / "scripts")
    (tmp_path / "docs").mkdir()

    listed = run(tmp_path, "-c", LIST)
    run(tmp_path, "scripts/build_docs.py")

    assert METHOD in listed
    assert f"## {METHOD}" in (tmp_path / "docs" / "explainers.md").read_text()
    assert "## toy_jump_size" in (tmp_path / "docs" / "metrics.md").read_text()


def add_line(init: Path, line: str) -> None:
    text = init.read_text()
    assert text.count("REGISTRY = {\n") == 1
    init.write_text(text.replace("REGISTRY = {\n", f"REGISTRY = {{\n    {line},\n"))


def run(folder: Path, *command: str) -> str:
    """Run Python with the copied package in place of the installed one."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
