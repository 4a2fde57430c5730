"""Records: each acknowledged one survives, at most the last is lost, and damage is seen."""

import warnings
from pathlib import Path

import pytest

from pellucid import __version__
from pellucid.errors import DataError
from pellucid.io import records
from pellucid.io.records import TornTailWarning, append, check_stamp, read_lines, read_records


def stored(path: Path, n_records: int = 3) -> Path:
    for i in range(n_records):
        append(path, {"i": i, "text": "ü\n\u2028"})
    return path


def test_records_come_back_in_order(tmp_path: Path) -> None:
    path = stored(tmp_path / "r.jsonl")
    assert [r["i"] for r in read_records(path)] == [0, 1, 2]
    assert read_records(path)[0]["text"] == "ü\n\u2028"
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    assert read_lines(path)[1].offset == len(lines[0]) + len(lines[1])


def test_the_file_says_who_wrote_it(tmp_path: Path) -> None:
    first = stored(tmp_path / "r.jsonl").read_text().splitlines()[0]
    assert f'"record": {{"schema": 1, "pellucid": "{__version__}"}}' in first


def test_a_file_cut_anywhere_gives_a_clean_prefix(tmp_path: Path) -> None:
    """Part of F05: never garbage, never an exception for a torn tail."""
    content = stored(tmp_path / "r.jsonl").read_bytes()
    path = tmp_path / "cut.jsonl"
    for length in range(1, len(content)):
        path.write_bytes(content[:length])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = [r["i"] for r in read_records(path)]
        complete = content[:length].count(b"\n")
        assert found == list(range(max(0, complete - 1)))
        torn = not content[:length].endswith(b"\n")
        assert [w.category for w in caught] == [TornTailWarning] * torn


def test_no_flipped_bit_passes_unseen(tmp_path: Path) -> None:
    """Part of F06: an error that names the offset, a dropped tail with a warning, or equal data."""
    content = stored(tmp_path / "r.jsonl").read_bytes()
    expected = read_records(tmp_path / "r.jsonl")
    path = tmp_path / "flipped.jsonl"
    messages = []
    for position in range(0, len(content) * 8, 13):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << (position % 8)
        path.write_bytes(bytes(damaged))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = read_records(path)
            except DataError as error:
                messages.append(str(error))
                continue
        assert found == expected or (caught and found == expected[:-1])
    assert len(messages) > 50
    assert all(str(path) in message for message in messages)


def test_damage_in_the_middle_names_file_and_offset(tmp_path: Path) -> None:
    path = stored(tmp_path / "r.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1].replace(b'"i": 0', b'"i": 7'), *lines[2:]]))
    with pytest.raises(
        DataError, match=rf"r\.jsonl: the record at byte {len(lines[0])} is damaged"
    ):
        read_records(path)


def test_a_torn_tail_is_cut_off_before_the_next_record(tmp_path: Path) -> None:
    path = stored(tmp_path / "r.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"crc": "00' + b"x" * 100_000)
    with pytest.warns(TornTailWarning, match=f"100011 bytes from byte {len(whole)}"):
        append(path, {"i": 3})
    assert [r["i"] for r in read_records(path)] == [0, 1, 2, 3]


def test_a_file_that_is_one_torn_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"crc')
    with pytest.warns(TornTailWarning):
        append(path, {"i": 0})
    assert read_records(path) == [{"i": 0}]


def test_a_failed_write_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(tmp_path / "r.jsonl")
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        append(path, {"i": 3})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"schema": 2, "pellucid": "9.1.0"}, "was written by pellucid 9.1.0, needs >= 9.1.0"),
        ({"schema": 2, "pellucid": "\x1b[31m"}, r"pellucid \(unknown\)"),
        ({"schema": 2}, r"pellucid \(unknown\)"),
        ({"schema": "1"}, "names no schema"),
        ({"schema": True}, "names no schema"),
        ({"schema": 0}, "names no schema"),
        ([], "names no schema"),
    ],
)
def test_a_newer_or_foreign_document_is_refused(document: object, what: str) -> None:
    with pytest.raises(DataError, match=what):
        check_stamp(document, newest=1, where="x")


def test_an_older_document_is_accepted() -> None:
    assert check_stamp({"schema": 1, "pellucid": "0.0.1"}, newest=3, where="x") == 1


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(records._line({"schema": 9, "pellucid": "7.0"}) + records._line({"i": 0}))
    with pytest.raises(DataError, match=r"needs >= 7\.0"):
        read_records(path)
