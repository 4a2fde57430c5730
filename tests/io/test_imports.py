"""Importing what the user names."""

import sys
from pathlib import Path

import pytest

from pellucid.errors import InputError
from pellucid.io.imports import import_object, is_import_string, optional_import


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("module:name", True),
        ("a.b.c:D.e", True),
        ("módulo:función", True),
        ("C:\\agents\\ppo.zip", False),
        ("agents/ppo.zip", False),
        ("ppo.zip", False),
        ("module:", False),
        (":name", False),
        ("a b:c", False),
        ("module:name()", False),
        ("http://host/x", False),
    ],
)
def test_what_an_import_string_is(text: str, expected: bool) -> None:
    assert is_import_string(text) is expected


def test_a_nested_attribute_is_found() -> None:
    assert import_object("pathlib:Path.name") is Path.name


def test_a_module_that_raises_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raises_on_import.py").write_text("raise RuntimeError('first\\nsecond')\n")
    with pytest.raises(InputError, match=r"RuntimeError: first$"):
        import_object("raises_on_import:x")


def test_a_file_here_never_hides_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wave.py").write_text("hidden = True\n")
    with pytest.raises(InputError, match="has no 'hidden'"):
        import_object("wave:hidden")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stable_baselines3.dqn.policies", None)
    with pytest.raises(InputError, match="stable_baselines3 is needed") as caught:
        optional_import("stable_baselines3.dqn.policies", extra="sb3")
    assert caught.value.hint == "pip install 'pellucid[sb3]'"
