"""Writing: the target is the old file or the new one, and names stay inside their folder."""

import os
import stat
from pathlib import Path

import pytest

from pellucid.errors import InputError
from pellucid.io.atomic import atomic_write, inside, safe_name, write_bytes, write_text


def test_the_target_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with atomic_write(target) as file:
        file.write(b"one")
        assert not target.exists()
    assert target.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "long content\n")
    write_text(target, "ü\r\n")
    assert target.read_bytes() == b"\xc3\xbc\r\n"


def test_a_link_is_replaced_and_what_it_points_to_is_kept(tmp_path: Path) -> None:
    outside, link = tmp_path / "outside", tmp_path / "link"
    outside.write_bytes(b"theirs")
    link.symlink_to(outside)
    write_bytes(link, b"ours")
    assert outside.read_bytes() == b"theirs"
    assert not link.is_symlink()


def test_a_new_file_has_the_permissions_of_the_account(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_folder_as_target_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_bytes(tmp_path / "folder", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_a_lone_surrogate_leaves_the_old_text(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_text(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(target, "\ud800")
    assert target.read_text() == "old"


@pytest.mark.parametrize("name", ["LunarLander-v3", "a.b_c-1", "x" * 100])
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "/etc", "a/b", "a\\b", "a b", "-rf", ".hidden", "é", "日本"),
        *("a\0b", "con", "NUL.txt", "x" * 101, "\ud800", "a.", "\u202etxt.exe"),
    ],
)
def test_any_other_name_becomes_one_safe_component(tmp_path: Path, name: str) -> None:
    made = safe_name(name)
    assert made != name
    assert 1 <= len(made.encode("ascii")) <= 100
    assert made[0] not in ".-"
    assert inside(tmp_path, made) == tmp_path.resolve() / made
    (tmp_path / made).write_bytes(b"")


def test_two_names_never_become_one_file() -> None:
    names = ["a b", "a_b", "a/b", "a\\b", "a  b", "x" * 150, "x" * 151]
    assert len({safe_name(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a/../../x", "a\0b"])
def test_a_path_outside_the_root_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        inside(tmp_path, name)


def test_a_link_that_leads_out_of_the_root_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(InputError, match="outside"):
        inside(root, "out/x")
    assert inside(root, "a/b") == root.resolve() / "a" / "b"
