"""F74: every code block of the README runs as it stands, and every link leads somewhere."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import pellucid as pl
from pellucid import registry

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "design").glob("*.md"),
        ROOT / "changelog.d" / "README.md",
    ]
)


def blocks(language: str) -> list[str]:
    return [
        text for found, text in BLOCK.findall((ROOT / "README.md").read_text()) if found == language
    ]


def lines(language: str) -> list[str]:
    return [line for block in blocks(language) for line in block.splitlines() if line.strip()]


@pytest.fixture
def user_folder(tmp_path: Path) -> Path:
    """A folder with the files that the README assumes: agents that the user has trained."""
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    model = stable_baselines3.PPO("MlpPolicy", "LunarLander-v3", seed=0, device="cpu")
    model.save(tmp_path / "my_ppo.zip")
    shutil.copy(tmp_path / "my_ppo.zip", tmp_path / "ppo.zip")
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_block_is_run_or_is_a_command_that_needs_an_address() -> None:
    languages = [language for language, _ in BLOCK.findall((ROOT / "README.md").read_text())]
    assert sorted(languages) == ["", "", "bash", "bash", "python"]
    assert {shlex.split(line)[0] for line in lines("bash")} == {"make", "pellucid"}


@pytest.mark.parametrize("line", [line for line in lines("bash") if line.startswith("make")])
def test_make_targets_of_the_readme_exist(line: str) -> None:
    # `make demo` and `make test` are run by the gate itself; a test cannot run the tests
    target = shlex.split(line)[1]
    assert f"\n{target}:" in (ROOT / "Makefile").read_text()


@pytest.mark.docs
@pytest.mark.timeout(300)
@pytest.mark.parametrize("line", [line for line in lines("bash") if line.startswith("pellucid")])
def test_commands_of_the_readme_run(line: str, user_folder: Path) -> None:
    program = Path(sys.executable).parent / "pellucid"
    run([str(program), *shlex.split(line)[1:]], user_folder)
    assert (user_folder / "report" / "report.html").stat().st_size > 10_000


@pytest.mark.docs
@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", blocks("python"))
def test_python_of_the_readme_runs(block: str, user_folder: Path) -> None:
    (user_folder / "block.py").write_text(block)
    shown = run([sys.executable, "block.py"], user_folder)
    assert "shapley" in shown
    assert pl.load_explanation(user_folder / "x.json").method == "shapley"
    assert (user_folder / "runs" / "x" / "report.html").is_file()


@pytest.mark.docs
@pytest.mark.timeout(120)
@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_examples_run_and_reach_the_known_answer(
    example: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # as scripts, but in this process: starting one each takes longer than most of them
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(example.parent)
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


HAVE_TESTS_OF_THEIR_OWN = (
    *("README.md", "objectives.md", "agents.md", "actions.md"),
    *("queries.md", "training.md", "training-rewards.md", "trl.md"),
)
"""Pages whose code is run: here, by `test_<name>_page.py`, and in `tests/posttrain`."""


def other_blocks() -> list[Any]:
    """Return each block of code of the other pages, with its language."""
    return [
        pytest.param(language, text, id=f"{page.name}-{number}")
        for page in PAGES
        if page.name not in HAVE_TESTS_OF_THEIR_OWN
        for number, (language, text) in enumerate(BLOCK.findall(page.read_text()))
    ]


@pytest.mark.parametrize(("language", "text"), other_blocks())
def test_code_of_every_other_page_is_of_a_kind_that_is_checked(language: str, text: str) -> None:
    """A page that shows Python or shell commands needs a test that runs them."""
    assert language in ("", "toml")
    if language == "toml":
        groups = tomllib.loads(text)["project"]["entry-points"]
        assert {group.removeprefix("pellucid.") for group in groups} <= set(registry.FAMILIES)
    for line in text.splitlines():
        if line.startswith("make "):
            assert f"\n{shlex.split(line)[1]}:" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_pages_name_no_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|opt|Users)/", page.read_text())


def test_generated_pages_are_current() -> None:
    run([sys.executable, str(ROOT / "scripts" / "build_docs.py"), "--check"], ROOT)


def test_targets_named_in_the_contributing_page_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert {"check", "test", "docs"} <= named
    assert [target for target in named if f"\n{target}:" not in makefile] == []
