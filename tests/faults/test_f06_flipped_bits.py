"""F06: one bit of a record file is flipped; it is noticed, or it changes nothing."""

import random
import warnings
from pathlib import Path

from pellucid.claims.harness import reproduce
from pellucid.claims.known_effects import LARGE
from pellucid.claims.records import read_record
from pellucid.errors import DataError
from pellucid.io.records import TornTailWarning, append, read_records

N_FLIPS = 200


def flips(content: bytes) -> list[bytes]:
    """Return the content with one bit flipped, at 200 random places."""
    damaged = []
    for position in random.Random(6).sample(range(len(content) * 8), N_FLIPS):
        one = bytearray(content)
        one[position // 8] ^= 1 << position % 8
        damaged.append(bytes(one))
    return damaged


def test_f06_records_are_refused_or_equal(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for i in range(20):
        append(path, {"i": i, "values": [i / 7, -0.0, None], "text": "ü"})
    expected = read_records(path)
    n_refused = 0
    for damaged in flips(path.read_bytes()):
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = read_records(path)
            except DataError:
                n_refused += 1
                continue
        torn = [w.category for w in caught] == [TornTailWarning]
        assert found == (expected[:-1] if torn else expected)
    assert n_refused > N_FLIPS / 2


def test_f06_a_claims_result_is_never_silently_different(tmp_path: Path) -> None:
    path = reproduce(LARGE, scale="cpu", folder=tmp_path).record.path
    expected = read_record(path)
    n_refused = 0
    for damaged in flips(path.read_bytes()):
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert read_record(path) == expected
            except DataError:
                n_refused += 1
    assert n_refused > N_FLIPS / 2
