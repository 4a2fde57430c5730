"""F05: a record file is cut off anywhere; what is read is a clean prefix or an error."""

import random
import warnings
from pathlib import Path

import pytest

from pellucid.claims.harness import reproduce
from pellucid.claims.known_effects import LARGE
from pellucid.claims.records import read_record
from pellucid.errors import DataError
from pellucid.io.records import append, read_records


def cuts(length: int) -> list[int]:
    """Return every place in the last 200 bytes and 20 random ones before."""
    return [*range(length - 200, length), *random.Random(5).sample(range(length - 200), 20)]


@pytest.mark.filterwarnings("ignore::pellucid.io.records.TornTailWarning")
def test_f05_records_are_a_clean_prefix(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    for i in range(40):
        append(whole, {"i": i, "values": [i / 7] * (i % 5)})
    content, expected = whole.read_bytes(), read_records(whole)
    lengths = set()
    for position in cuts(len(content)):
        cut.write_bytes(content[:position])
        found = read_records(cut)
        assert found == expected[: len(found)]
        assert len(found) == max(0, content[:position].count(b"\n") - 1)
        lengths.add(len(found))
    assert max(lengths) == 39  # the last record without its line end does not count as stored


def test_f05_a_claims_record_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = reproduce(LARGE, scale="smoke", folder=tmp_path).record.path
    content = path.read_bytes()
    for position in cuts(len(content)):
        path.write_bytes(content[:position])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(DataError, match=r"smoke\.jsonl"):
                read_record(path)
