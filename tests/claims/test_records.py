"""Records of claims: what is read is checked."""

from pathlib import Path

import pytest

from pellucid.claims.harness import reproduce
from pellucid.claims.known_effects import LARGE
from pellucid.claims.records import read_folder, read_record
from pellucid.errors import DataError
from pellucid.io import records


@pytest.fixture
def stored(tmp_path: Path) -> list:
    """The records of one finished run at smoke: start, six cells, result."""
    path = reproduce(LARGE, scale="smoke", folder=tmp_path / "first").record.path
    found = records.read_records(path)
    assert [r["kind"] for r in found] == ["start", *["cell"] * 6, "result"]
    return found


def written(path: Path, lines: list) -> Path:
    for line in lines:
        records.append(path, line)
    return path


@pytest.mark.parametrize(
    ("position", "change", "message"),
    [
        (0, {"layout": 0}, "expected layout 1, got 0"),
        (0, {"layout": 9, "versions": {"pellucid": "9.1"}}, r"by pellucid 9\.1, needs >= 9\.1"),
        (0, {"scale": "huge"}, "expected a scale"),
        (0, {"claim": 3}, "expected text, got 3"),
        (0, {"seeds": [1.5]}, "expected a whole number from 0, got 1.5"),
        (0, {"versions": []}, "is not the record of a claim"),
        (1, {"kind": "note"}, "unexpected record 'note'"),
        (1, {"value": "many"}, "expected a number, got 'many'"),
        (1, {"seed": -1}, "expected a whole number from 0, got -1"),
        (-1, {"verdict": "true"}, "is not a valid Verdict"),
        (-1, {"checks": {"a": 1}}, "expected true, false or null, got 1"),
        (-1, {"checks": [1]}, "is not the record of a claim"),
        (-1, {"kind": "start"}, "unexpected record 'start'"),
    ],
)
def test_a_foreign_record_is_refused_in_one_line(
    tmp_path: Path, stored: list, position: int, change: dict, message: str
) -> None:
    stored[position] = {**stored[position], **change}
    path = written(tmp_path / "x.jsonl", stored)
    with pytest.raises(DataError, match=message) as caught:
        read_record(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lines", [[0], [0, 1], [1, 7]])
def test_an_unfinished_record_is_no_record(tmp_path: Path, stored: list, lines: list) -> None:
    path = written(tmp_path / "x.jsonl", [stored[i] for i in lines])
    with pytest.raises(DataError, match="no finished record"):
        read_record(path)


def test_a_missing_part_is_named(tmp_path: Path, stored: list) -> None:
    del stored[-1]["verdict"]
    with pytest.raises(DataError, match="not the record of a claim: no 'verdict'"):
        read_record(written(tmp_path / "x.jsonl", stored))


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for scale in ("smoke", "cpu"):
        reproduce(LARGE, scale=scale, folder=tmp_path)
    assert [r.start.scale for r in read_folder(tmp_path)] == ["cpu", "smoke"]
    assert read_folder(tmp_path / "nothing") == []
