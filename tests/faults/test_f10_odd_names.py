"""F10: paths and ids with spaces, other scripts, great length or `..` in them."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.io.arrays import load_arrays, save_arrays
from pellucid.io.atomic import inside, safe_name, write_text
from pellucid.io.records import append, read_records

NAMES = ["with space", "größe-日本語", "n" * 200, "quote'\"$(x)", "tab\tnew\nline", "-rf"]


@pytest.mark.parametrize("name", NAMES)
def test_f10_files_are_written_and_read_under_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    write_text(folder / name, "x")
    save_arrays(folder / f"{name[:100]}.arrays", {name: np.arange(2)})
    append(folder / f"{name[:100]}.jsonl", {name: 1})
    assert (folder / name).read_text() == "x"
    assert list(load_arrays(folder / f"{name[:100]}.arrays")) == [name]
    assert read_records(folder / f"{name[:100]}.jsonl") == [{name: 1}]


def test_f10_the_longest_name_that_the_system_allows_can_be_written(tmp_path: Path) -> None:
    write_text(tmp_path / ("n" * 255), "x")
    assert [p.name for p in tmp_path.iterdir()] == ["n" * 255]


@pytest.mark.parametrize("name", ["../x", "..", "a/../../x", "/x", "..\\x", "\0", *NAMES])
def test_f10_an_id_never_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_text(inside(root, safe_name(name)), "x")
    assert [p.name for p in tmp_path.iterdir()] == ["root"]
    assert len([p.name for p in root.iterdir()]) == 1


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x"])
def test_f10_an_id_that_was_not_made_safe_is_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(InputError, match="outside"):
        inside(root, name)
