"""F03: Ctrl-C while a file is written."""

from pathlib import Path

import pytest

from pellucid.io import atomic


@pytest.mark.parametrize("exists", [True, False])
def test_f03_the_target_is_as_before(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "a.bin"
    if exists:
        target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), atomic.atomic_write(target) as file:  # noqa: PT012
        file.write(b"half of the new")
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == (["a.bin"] if exists else [])
    if exists:
        assert target.read_bytes() == b"old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_f03_also_when_it_comes_inside_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, call, interrupt)
        with pytest.raises(KeyboardInterrupt):
            atomic.write_bytes(tmp_path / "a.bin", b"new")
    assert [p.name for p in tmp_path.iterdir()] == []
