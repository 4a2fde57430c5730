"""Reading NumPy archives: only what is asked for; no objects, and no memory without end."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.io import npz
from pellucid.io.npz import read_npz
from tests.io.hostile import true_bomb


def write(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int64).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([1, 2], dtype=">i4"),
        np.array(True),
        np.zeros((0, 4), dtype=np.float32),
    ],
    ids=["rows", "columns", "big-endian", "scalar", "empty"],
)
def test_arrays_come_back_in_native_order(tmp_path, save, array) -> None:
    save(tmp_path / "a.npz", first=array, other=np.arange(3))
    read = read_npz(tmp_path / "a.npz", ["first"])
    assert list(read) == ["first"]
    assert read["first"].dtype == array.dtype.newbyteorder("=")
    assert read["first"].flags.c_contiguous
    assert read["first"].flags.writeable
    np.testing.assert_array_equal(read["first"], array)


def test_an_array_that_is_not_there_is_named_with_those_that_are(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", rewards=np.zeros(2), screens=np.zeros(2))
    with pytest.raises(DataError, match="no array 'transitions'; it holds rewards, screens"):
        read_npz(tmp_path / "a.npz", ["transitions"])


def test_objects_are_refused_unread(tmp_path) -> None:
    content = b"\x93NUMPY\x01\x00"
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    program = b"cos\nsystem\n(S'touch pwned'\ntR."
    path = write(
        tmp_path / "a.npz",
        {"x.npy": content + len(header).to_bytes(2, "little") + header + program},
    )
    with pytest.raises(DataError, match="has type object, expected booleans, integers or floats"):
        read_npz(path, ["x"])
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "header cannot be read"),
        (b"no array", "header cannot be read"),
        (npy(np.arange(4))[:-8], "does not fit its 24 bytes"),
        (npy(np.arange(4)) + b"more", "does not fit its 36 bytes"),
        (npy(np.arange(4)).replace(b"(4,)", b"(-4,)"), "is damaged|does not fit"),
        (npy(np.array(["a"])), "has type <U1"),
        (npy(np.arange(4)).replace(b"NUMPY\x01", b"NUMPY\x09"), "header cannot be read"),
        (npy(np.arange(4)).replace(b"(4,)", b"f(4"), "header cannot be read"),
    ],
)
def test_damaged_arrays_are_refused(tmp_path, content, message) -> None:
    path = write(tmp_path / "a.npz", {"x.npy": content})
    with pytest.raises(DataError, match=message):
        read_npz(path, ["x"])


def test_a_file_that_is_no_archive_is_refused(tmp_path) -> None:
    (tmp_path / "a.npz").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="not a sound zip archive"):
        read_npz(tmp_path / "a.npz", ["x"])
    with pytest.raises(DataError, match="does not exist"):
        read_npz(tmp_path / "b.npz", ["x"])


def test_f19_an_array_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(npz, "MAX_ARRAY_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000), y=np.zeros(10))
    with pytest.raises(DataError, match="has 8128 bytes; at most 1000"):
        read_npz(tmp_path / "a.npz", ["x"])
    # what is not asked for stays packed
    assert len(read_npz(tmp_path / "a.npz", ["y"])["y"]) == 10


def test_f19_members_that_lead_out_are_refused(tmp_path) -> None:
    path = write(tmp_path / "a.npz", {"../x.npy": npy(np.arange(2))})
    with pytest.raises(DataError, match="leads out of the archive"):
        read_npz(path, ["x"])


def test_f19_a_bomb_has_no_arrays(tmp_path) -> None:
    with pytest.raises(DataError, match="has no array"):
        read_npz(true_bomb(tmp_path / "bomb.npz"), ["x"])
