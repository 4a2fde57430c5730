"""F19: archives that unpack without end, outside their folder, or through links."""

import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agents.models import make_model, save_model
from tests.io.hostile import link_member, true_bomb, write_member, write_zip, zip_bomb

from pellucid.errors import ArtifactError
from pellucid.io.artifacts import open_sb3_zip, read_state_dict

pytestmark = pytest.mark.faults


def refusal(path: Path, reader: Callable[[Path], object] = open_sb3_zip) -> str:
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(ArtifactError) as caught:
        reader(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - started < 1.0
    assert peak < 8 * 1024**2 + 2 * path.stat().st_size
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("make", [zip_bomb, true_bomb])
def test_f19_a_bomb_is_refused_before_it_unpacks(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    assert "'data' unpacks from" in refusal(make(tmp_path / "bomb.zip"))


def test_f19_a_member_larger_than_it_claims_is_cut_off(tmp_path: Path) -> None:
    assert "'data' in" in refusal(zip_bomb(tmp_path / "bomb.zip", claimed=1000))


def test_f19_a_bomb_inside_the_weights_is_refused(tmp_path: Path) -> None:
    inner = true_bomb(tmp_path / "inner.zip").read_bytes()
    path = write_zip(tmp_path / "outer.zip", {"data": b"{}", "policy.pth": inner})
    assert "'policy.pth' in" in refusal(path)
    (tmp_path / "w.pth").write_bytes(inner)
    assert "unpacks from" in refusal(tmp_path / "w.pth", read_state_dict)


@pytest.mark.parametrize(
    "name", ["../../x", "a/../../x", "/x", "a\\..\\..\\x", "C:x", "\\\\host\\x"]
)
def test_f19_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = write_member(tmp_path / "slip.zip", zipfile.ZipInfo(name))
    assert "leads out of the archive" in refusal(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["slip.zip"]


def test_f19_a_name_cut_by_a_nul_character_is_refused(tmp_path: Path) -> None:
    path = write_member(tmp_path / "nul.zip", zipfile.ZipInfo("dataZ"))
    path.write_bytes(path.read_bytes().replace(b"dataZ", b"data\0"))
    assert "leads out of the archive" in refusal(path)


def test_f19_a_link_is_refused(tmp_path: Path) -> None:
    assert "'link' is a link" in refusal(link_member(tmp_path / "link.zip"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_f19_a_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    path = write_member(tmp_path / "twice.zip", zipfile.ZipInfo("data"))
    assert "occurs twice" in refusal(path)


def test_f19_too_many_members_are_refused(tmp_path: Path) -> None:
    members = {f"m{i}": b"" for i in range(2000)}
    assert "2000 members" in refusal(write_zip(tmp_path / "many.zip", members))


def test_f19_an_unusual_compression_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "lzma.zip", {"data": b"{}"}, zipfile.ZIP_LZMA)
    assert "compressed in a way" in refusal(path)


def test_f19_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "locked.zip", {"data": b"{}"})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusal(path)


def test_f19_an_archive_packed_again_by_hand_still_loads(tmp_path: Path) -> None:
    good = save_model(make_model("PPO"), tmp_path)
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    packed = write_zip(tmp_path / "packed.zip", members, zipfile.ZIP_DEFLATED)
    assert packed.stat().st_size < good.stat().st_size
    assert set(open_sb3_zip(packed).state_dict) == set(open_sb3_zip(good).state_dict)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"not a zip at all" * 10, b"PK\x05\x06" + bytes(18)]
)
def test_f19_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert "x.zip" in refusal(path)


def test_f19_an_archive_cut_or_changed_anywhere_is_refused_or_equal(tmp_path: Path) -> None:
    """Part of F05 and F06."""
    good = save_model(make_model("PPO", policy_kwargs={"net_arch": [4]}), tmp_path)
    content = good.read_bytes()
    expected = {k: v.numpy().tobytes() for k, v in open_sb3_zip(good).state_dict.items()}
    path = tmp_path / "damaged.zip"
    messages = []
    for position in range(0, len(content), len(content) // 150):
        for damaged in (content[:position], _flipped(content, position)):
            path.write_bytes(damaged or b"x")
            try:
                found = open_sb3_zip(path)
            except ArtifactError as error:
                messages.append(str(error))
                continue
            assert {k: v.numpy().tobytes() for k, v in found.state_dict.items()} == expected
    assert len(messages) > 100
    assert not any("\n" in message for message in messages)


def _flipped(content: bytes, position: int) -> bytes:
    damaged = bytearray(content)
    damaged[position] ^= 1 << (position % 8)
    return bytes(damaged)
