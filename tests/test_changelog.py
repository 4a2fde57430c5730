"""The changelog check refuses what it should, and the fragments that are there pass it."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def load_script():
    path = ROOT / "scripts" / "check_changelog.py"
    spec = importlib.util.spec_from_file_location("check_changelog", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check = load_script()


def test_fragments_of_the_repository_are_valid() -> None:
    assert check.main() == 0


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.added.md", "Users can now do this.\n", None),
        ("why-not.fixed.md", "Over two\nlines.", None),
        ("a.md", "Users can now do this.", "expected <name>.<kind>.md"),
        ("a.improved.md", "Users can now do this.", "expected <name>.<kind>.md"),
        ("A b.added.md", "Users can now do this.", "expected <name>.<kind>.md"),
        ("a.added.md", "", "expected one paragraph"),
        ("a.added.md", "No full stop", "expected one paragraph"),
        ("a.added.md", "One.\n\nTwo.", "expected one paragraph"),
        ("a.added.md", "word " * 41 + ".", "expected at most 40 words, got 42"),
    ],
)
def test_a_fragment_is_checked(tmp_path: Path, name: str, text: str, problem: str | None) -> None:
    (tmp_path / name).write_text(text)
    problems = check.problems_of(tmp_path / name)
    assert problems == [] if problem is None else problem in problems[0]


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


def test_a_change_of_the_package_since_the_last_tag_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1\n")
    assert not check.package_changed(tmp_path)  # no history
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    assert check.package_changed(tmp_path)  # never released
    git(tmp_path, "tag", "v1")
    assert not check.package_changed(tmp_path)
    (tmp_path / "README.md").write_text("x")
    assert not check.package_changed(tmp_path)
    (tmp_path / "src" / "a.py").write_text("2\n")
    assert check.package_changed(tmp_path)
