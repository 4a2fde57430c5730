"""F18: arrays and tables that lie or hold objects are refused fast and in little memory."""

import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet
from tests.io.hostile import Payload

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS, MOST_MEGABYTES = 2.0, 200.0


class OddType(pa.ExtensionType):
    """A type of ours: reading it may rebuild an object."""

    def __init__(self) -> None:
        super().__init__(pa.int64(), "pellucid.odd")

    def __arrow_ext_serialize__(self) -> bytes:
        return pickle.dumps("x")

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> "OddType":
        raise AssertionError("it was rebuilt")


def write_corpus(folder: Path, marker: Path) -> None:
    objects = np.array([Payload(marker)], dtype=object)
    np.savez(folder / "objects.npz", results=objects, timesteps=np.arange(1))
    np.save(folder / "object.npy", objects, allow_pickle=True)
    header = np.lib.format.magic(1, 0)
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    text += " " * (63 - (len(header) + 2 + len(text)) % 64) + "\n"
    liar = header + len(text).to_bytes(2, "little") + text.encode()
    with zipfile.ZipFile(folder / "shape.npz", "w") as archive:
        archive.writestr("results.npy", liar)
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("results.npy", bytes(300 * 1024**2))
    array = pa.ExtensionArray.from_storage(OddType(), pa.array([1, 2]))
    table = pa.table({"x": array})
    parquet.write_table(table, folder / "extension.parquet")
    feather.write_feather(table, folder / "extension.arrow", compression="uncompressed")
    # what begins an HDF5 file, and the name of a file that it would lead to
    (folder / "link.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64) + b"/etc/passwd\0")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("arrays")
    marker = folder.parent / "marker"
    pa.register_extension_type(OddType())
    try:
        write_corpus(folder, marker)
    finally:
        pa.unregister_extension_type("pellucid.odd")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.open_arrays", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert not marker.exists()
    return json.loads(done.stdout.splitlines()[-1])


def test_f18_everything_is_refused_in_one_line(opened: dict) -> None:
    rows = opened["rows"]
    assert len(rows) == 4 * (6 + 7)
    assert [row for row in rows if row[2] == "opened" or "\n" in row[2]] == []
    names = {row[0] for row in rows}
    assert {"overlap.safetensors", "outside.safetensors", "long.safetensors"} <= names
    assert {"twice.safetensors", "objects.npz", "extension.parquet", "link.h5"} <= names


def test_f18_it_is_said_what_is_wrong_with_a_header(opened: dict) -> None:
    said = {row[0]: row[2] for row in opened["rows"] if row[1] == "load_arrays"}
    assert "overlap" in said["overlap.safetensors"]
    assert "leave a gap" in said["outside.safetensors"]
    assert "its header claims 1152921504606846976 bytes" in said["long.safetensors"]
    assert "'a' occurs twice" in said["twice.safetensors"]
    assert "does not fit its offsets" in said["huge_shape.safetensors"]
    assert "nested deeper" in said["deep.safetensors"]


def test_f18_it_takes_little_time_and_memory(opened: dict) -> None:
    assert [row for row in opened["rows"] if row[3] > MOST_SECONDS] == []
    assert opened["megabytes"] < MOST_MEGABYTES


TESTED_ELSEWHERE = {
    "posttrain/tasks/reading.py": (
        "tests/posttrain/tasks/test_datasets.py",
        "cut_parquet_file_is_refused",
    ),
    "io/hdf5.py": ("tests/io/test_hdf5.py", "arrays_that_claim_to_be_huge_are_refused_unread"),
    "rollouts/log_folders.py": (
        "tests/rollouts/test_log_folders.py",
        "objects_and_extension_types_are_refused",
    ),
}
"""Readers of data sets, each with where its hostile files are and one of the tests there."""


def test_f18_nothing_reads_tables_or_pickled_arrays_behind_the_loaders() -> None:
    """Whoever adds a reader of tables adds its hostile files above, or names who tests it."""
    source = ROOT / "src" / "pellucid"
    texts = {str(p.relative_to(source)): p.read_text() for p in source.rglob("*.py")}
    for reader, (tests, one) in TESTED_ELSEWHERE.items():
        del texts[reader]
        assert one in (ROOT / tests).read_text()
    for word in ("h5py", "read_table", "read_parquet", "ipc.open", "np.load("):
        assert [name for name, text in texts.items() if word in text] == []
