"""Hashes and versions: what is hashed, what is not, and that nothing is imported for it."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import pellucid
from pellucid import provenance as prov
from pellucid.errors import DataError

ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
ANOTHER = datetime(2001, 1, 1, tzinfo=UTC).timestamp()


def tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_file_hash_is_the_published_one(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert prov.sha256_file(tmp_path / "abc") == ABC_SHA256


def test_file_longer_than_one_chunk_is_hashed_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * (prov._CHUNK // 256 + 1)
    (tmp_path / "long").write_bytes(content)
    assert prov.sha256_file(tmp_path / "long") == hashlib.sha256(content).hexdigest()


def test_tree_hash_depends_on_names_and_content_alone(tmp_path: Path) -> None:
    files = {"b.txt": b"2", "sub/a.txt": b"1"}
    one = tree(tmp_path / "one", files)
    two = tree(tmp_path / "two", dict(reversed(files.items())))
    (two / "empty").mkdir()
    os.utime(two / "b.txt", (ANOTHER, ANOTHER))
    assert prov.sha256_tree(one) == prov.sha256_tree(two)


@pytest.mark.parametrize(
    "changed",
    [
        {"b.txt": b"2", "sub/a.txt": b"0"},
        {"b.txt": b"2", "sub/A.txt": b"1"},
        {"b.txt": b"1", "sub/a.txt": b"2"},
        {"b.txt": b"2", "sub/a.txt": b"1", "c": b""},
        {"b.txt": b"2"},
        {"b.txt": b"2", "sub\na.txt": b"1"},
    ],
)
def test_tree_hash_notices_every_change(tmp_path: Path, changed: dict[str, bytes]) -> None:
    original = tree(tmp_path / "original", {"b.txt": b"2", "sub/a.txt": b"1"})
    other = tree(tmp_path / "other", changed)
    assert prov.sha256_tree(original) != prov.sha256_tree(other)


def test_links_are_hashed_as_links_and_never_followed(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", {"secret": b"1"})
    root = tree(tmp_path / "root", {"a": b"1"})
    (root / "link").symlink_to(outside)
    (root / "dangling").symlink_to(tmp_path / "nowhere")
    before = prov.sha256_tree(root)
    (outside / "secret").write_bytes(b"2")
    assert prov.sha256_tree(root) == before
    (root / "link").unlink()
    (root / "link").symlink_to(tmp_path)
    assert prov.sha256_tree(root) != before


def test_a_named_pipe_is_refused_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"expected only files, folders and links, got .*pipe"):
        prov.sha256_tree(tmp_path)


def test_tree_hash_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="expected a folder"):
        prov.sha256_tree(tmp_path / "a")


def test_provenance_is_strict_json_with_versions_and_time() -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    record = prov.provenance("pellucid explain", 3, {"b": "1", "a": "2"})
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["command"] == "pellucid explain"
    assert record["seed"] == 3
    assert list(record["hashes"]) == ["a", "b"]
    assert record["versions"]["pellucid"] == pellucid.__version__
    assert record["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"numpy", "torch", "gymnasium"} <= set(record["versions"])
    assert before <= datetime.fromisoformat(record["time"]) <= datetime.now(UTC)


def test_only_the_time_differs_between_two_records() -> None:
    first, second = (prov.provenance("x", 0, {}) for _ in range(2))
    assert {**first, "time": ""} == {**second, "time": ""}


def test_absent_distribution_has_no_version() -> None:
    assert prov.package_version("pellucid-no-such-distribution") is None


def test_absent_package_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prov, "PACKAGES", {"nothing": "pellucid-no-such-distribution"})
    assert set(prov.versions()) == {"python", "pellucid"}


def test_report_tells_of_each_extra_what_is_there_and_what_is_missing() -> None:
    report = prov.system_report()
    assert report["processors"] >= 1
    test = report["extras"]["test"]
    assert "pytest" in test["installed"]
    assert "numpy" not in test["installed"]  # a core dependency belongs to no extra
    for extra in report["extras"].values():
        assert not set(extra["installed"]) & set(extra["missing"])


def test_versions_are_learned_without_importing_the_packages() -> None:
    code = (
        "import sys; from pellucid.provenance import provenance, system_report;"
        "provenance('x', 0, {}); system_report();"
        "heavy = {'numpy', 'torch', 'gymnasium', 'stable_baselines3'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
