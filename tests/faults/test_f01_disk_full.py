"""F01: the disk is full when a file is saved."""

import errno
from pathlib import Path

import numpy as np
import pytest

from pellucid.io import atomic
from pellucid.io.arrays import save_arrays


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["replace", "fsync", "fdopen"])
def test_f01_the_old_file_stays_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    target = tmp_path / "a.json"
    atomic.write_text(target, "old")
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, call, full)
        with pytest.raises(OSError, match="No space") as caught:
            atomic.write_text(target, "new")
    assert caught.value.errno == errno.ENOSPC
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_f01_arrays_are_saved_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.safetensors"
    save_arrays(target, {"x": np.zeros(3)})
    before = target.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            save_arrays(target, {"x": np.ones(3)})
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]
