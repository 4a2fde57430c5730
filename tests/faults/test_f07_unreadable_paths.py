"""F07: a path that is no readable file. The CLI turns each into one line and exit code 2."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agents.models import StubEnv

from pellucid.agents import load_agent
from pellucid.errors import ArtifactError, DataError, InputError
from pellucid.io.arrays import load_arrays
from pellucid.io.artifacts import open_sb3_zip, read_safetensors, read_state_dict
from pellucid.io.records import read_records
from pellucid.io.strict_json import read as read_json

READERS: list[tuple[Callable[[Path], Any], type[InputError]]] = [
    (open_sb3_zip, ArtifactError),
    (read_state_dict, ArtifactError),
    (read_safetensors, ArtifactError),
    (load_arrays, DataError),
    (read_records, DataError),
    (read_json, DataError),
]


def one_line(reader: Callable[[Path], Any], path: Path, error: type[InputError]) -> str:
    with pytest.raises(error) as caught:
        reader(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("reader", "error"), READERS)
def test_f07_a_path_without_content(
    tmp_path: Path, reader: Callable[[Path], Any], error: type[InputError]
) -> None:
    empty, folder, link, pipe = (tmp_path / name for name in ("empty", "folder", "link", "pipe"))
    empty.touch()
    folder.mkdir()
    link.symlink_to(tmp_path / "gone")
    os.mkfifo(pipe)  # reading it would wait for ever
    assert "is empty" in one_line(reader, empty, error)
    assert "is a folder" in one_line(reader, folder, error)
    assert "does not exist" in one_line(reader, link, error)
    assert "is a link to" in one_line(reader, link, error)
    assert "not a regular file" in one_line(reader, pipe, error)
    assert "does not exist" in one_line(reader, tmp_path / "missing", error)


@pytest.mark.parametrize(("reader", "error"), READERS)
def test_f07_a_file_without_read_permission(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reader: Callable[[Path], Any],
    error: type[InputError],
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.geteuid() == 0:  # permissions do not bind this account: refuse as the system would

        def refuse(self: Path, *_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", refuse)
    assert "may not be read" in one_line(reader, path, error)


@pytest.mark.parametrize("name", ["a.zip", "a.pth", "a.safetensors", "card.json"])
def test_f07_the_agent_loader_says_the_same(tmp_path: Path, name: str) -> None:
    if name == "card.json":
        (tmp_path / "agent").mkdir()
        path = tmp_path / "agent"
        (path / name).touch()
    else:
        path = tmp_path / name
        path.touch()
    network = "torch.nn:Identity" if path.suffix in (".pth", ".safetensors") else None
    with pytest.raises(InputError, match="is empty"):
        load_agent(str(path), env=StubEnv(), policy_class=network)


def test_f07_a_missing_ending_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "ppo.zip").write_bytes(b"x")
    with pytest.raises(ArtifactError, match="does not exist") as caught:
        load_agent(str(tmp_path / "ppo"), env=StubEnv())
    assert str(caught.value.hint) == f"did you mean {tmp_path / 'ppo.zip'}?"


def test_f07_a_path_with_a_nul_character_is_no_path() -> None:
    with pytest.raises(ArtifactError):
        open_sb3_zip(Path("a\0b.zip"))
