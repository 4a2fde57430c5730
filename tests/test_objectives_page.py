"""The page about objectives: its commands and code run, and its example is the file in examples."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_readme import BLOCK, ROOT

PAGE = (ROOT / "docs" / "objectives.md").read_text()
BLOCKS = BLOCK.findall(PAGE)


def run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_is_the_one_in_the_file() -> None:
    shown = next(text for language, text in BLOCKS if language == "yaml")
    assert (ROOT / "examples" / "match.yaml").read_text().endswith(shown)


@pytest.mark.docs
def test_the_command_says_what_the_page_says() -> None:
    line = next(text for language, text in BLOCKS if language == "bash").split()
    shown = next(text for language, text in BLOCKS if language == "")
    program = Path(sys.executable).parent / "pellucid"
    assert shown in run([str(program), *line[1:]])


@pytest.mark.docs
@pytest.mark.parametrize("block", [text for language, text in BLOCKS if language == "python"])
def test_the_code_runs(block: str, tmp_path: Path) -> None:
    (tmp_path / "block.py").write_text(block)
    shown = run([sys.executable, str(tmp_path / "block.py")]).split()
    expected = [part.partition("# ")[2] for part in block.splitlines() if "print(" in part]
    assert shown == expected
