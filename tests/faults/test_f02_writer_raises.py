"""F02: an exception inside the writer's `with` block."""

from pathlib import Path

import pytest

from pellucid.io.atomic import atomic_write


@pytest.mark.parametrize("exists", [True, False])
def test_f02_the_target_is_as_before(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "a.bin"
    if exists:
        target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(target) as file:  # noqa: PT012
        file.write(b"half of the new")
        file.flush()
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == (["a.bin"] if exists else [])
    if exists:
        assert target.read_bytes() == b"old"
