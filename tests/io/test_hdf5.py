"""F18 for HDF5: nothing is followed out of the file, and nothing but plain arrays is read."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.io.hdf5 import MAX_ARRAY_BYTES, array_in, group_in, names_in, open_hdf5


def written(folder: Path, write: Any) -> Path:
    path = folder / "data.hdf5"
    with h5py.File(path, "w") as file:
        write(file)
    return path


def read(path: Path, name: str = "x") -> Any:
    with open_hdf5(path) as root:
        return array_in(root, name, where=str(path))


@pytest.mark.parametrize("packing", [{}, {"compression": "gzip"}, {"compression": "lzf"}])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "?"])
def test_arrays_are_read_exactly(tmp_path: Path, packing: Any, dtype: str) -> None:
    values = np.arange(12).reshape(4, 3).astype(dtype)
    found = read(written(tmp_path, lambda f: f.create_dataset("x", data=values, **packing)))
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype


def test_groups_are_walked_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, lambda f: f.create_dataset("episode_0/rewards", data=[1.0]))
    with open_hdf5(path) as root:
        assert names_in(root) == ["episode_0"]
        group = group_in(root, "episode_0", where="here")
        np.testing.assert_array_equal(array_in(group, "rewards", where="here"), [1.0])
        with pytest.raises(DataError, match="is no array"):
            array_in(root, "episode_0", where="here")
        with pytest.raises(DataError, match="is no group"):
            group_in(group, "rewards", where="here")
        with pytest.raises(DataError, match="has no 'more'"):
            array_in(group, "more", where="here")


@pytest.mark.parametrize("link", ["external", "soft"])
def test_f18_links_are_not_followed(tmp_path: Path, link: str) -> None:
    secret = tmp_path / "secret.hdf5"
    with h5py.File(secret, "w") as file:
        file["x"] = [42.0]

    def write(file: Any) -> None:
        file["here"] = [1.0]
        to = h5py.ExternalLink(str(secret), "/x") if link == "external" else h5py.SoftLink("/here")
        file["x"] = to

    with pytest.raises(DataError, match="is not followed"):
        read(written(tmp_path, write))


def test_f18_groups_behind_links_are_not_followed(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        file["g"] = h5py.ExternalLink("/etc/passwd", "/")

    path = written(tmp_path, write)
    with open_hdf5(path) as root, pytest.raises(DataError, match="ExternalLink"):
        group_in(root, "g", where=str(path))


def test_f18_arrays_in_other_files_are_not_read(tmp_path: Path) -> None:
    raw = tmp_path / "raw.bin"
    raw.write_bytes(np.arange(4.0).tobytes())

    def external(file: Any) -> None:
        file.create_dataset("x", (4,), "f8", external=[(str(raw), 0, 32)])

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(str(raw), "x", (4,))
        file.create_virtual_dataset("x", layout)

    for write in (external, virtual):
        with pytest.raises(DataError, match="lies in another file"):
            read(written(tmp_path, write))


@pytest.mark.parametrize(
    "data", [np.array([b"a", b"b"]), np.zeros(2, [("a", "f4")])], ids=["text", "records"]
)
def test_f18_other_types_are_refused(tmp_path: Path, data: Any) -> None:
    with pytest.raises(DataError, match="expected booleans, integers or floats"):
        read(written(tmp_path, lambda f: f.create_dataset("x", data=data)))


def test_f18_objects_are_refused(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        file.create_dataset("x", (2,), h5py.ref_dtype)

    with pytest.raises(DataError, match="expected booleans, integers or floats"):
        read(written(tmp_path, write))


def test_f18_arrays_that_claim_to_be_huge_are_refused_unread(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        file.create_dataset("x", (MAX_ARRAY_BYTES,), "f8", chunks=(1024,), compression="gzip")

    path = written(tmp_path, write)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="is larger than"):
        read(path)


@pytest.mark.parametrize("content", [b"no hdf5", b"\x89HDF\r\n\x1a\n" + b"\0" * 64])
def test_damaged_files_are_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.hdf5"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a sound HDF5 file") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_cut_files_give_equal_arrays_or_an_error(tmp_path: Path) -> None:
    values = np.arange(2000.0)
    path = written(tmp_path, lambda f: f.create_dataset("x", data=values, compression="gzip"))
    content = path.read_bytes()
    for cut in range(0, len(content), max(1, len(content) // 40)):
        path.write_bytes(content[:cut] or b"x")
        with pytest.raises(DataError):
            read(path)
