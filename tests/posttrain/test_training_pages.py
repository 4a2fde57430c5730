"""The pages on training: their commands run, their configurations load, their code imports."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid.api.training_config import load_config
from pellucid.envs.naming import read_yaml

ROOT = Path(__file__).parents[2]
TRAINING = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
TRL = (ROOT / "docs" / "trl.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_readme_and_the_page_show_the_same_commands() -> None:
    (shown,) = blocks(TRAINING, "bash")
    assert f"```\n{shown}```" in README


@pytest.mark.docs
@pytest.mark.timeout(400)
def test_the_commands_run_and_the_code_reads_their_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    program = Path(sys.executable).parent / "pellucid"
    (commands,) = blocks(TRAINING, "bash")
    for line in commands.splitlines():
        done = subprocess.run(
            [str(program), *line.split()[1:]], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "first" / "report.html").is_file()
    (code,) = blocks(TRAINING, "python")
    (tmp_path / "read.py").write_text(code)
    read = subprocess.run([sys.executable, "read.py"], cwd=tmp_path, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr


def test_the_configuration_on_the_page_loads(tmp_path: Path) -> None:
    whole, section = blocks(TRAINING, "yaml")
    (tmp_path / "page.yaml").write_text(whole)
    assert load_config(tmp_path / "page.yaml").seed == 0
    assert set(read_yaml(section.encode(), where="the page")) == {
        "dataset",
        "gold",
        "model",
        "rewards",
    }


def test_what_the_page_on_trl_imports_is_there() -> None:
    pytest.importorskip("trl")
    for code in blocks(TRL, "python"):
        compile(code, "trl.md", "exec")
        imports = [line for line in code.splitlines() if line.startswith(("from ", "import "))]
        exec("\n".join(imports), {})


def test_configurations_named_on_the_pages_are_there() -> None:
    named = set(re.findall(r"configs/[a-z-]+/[a-z0-9]+\.yaml", TRAINING + TRL + README))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
