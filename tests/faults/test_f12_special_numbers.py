"""F12: NaN, infinities, -0.0, subnormals and the largest integers survive being stored.

Here for JSON, records and arrays; the rows for Parquet-like tables and the report's data block
belong to those modules.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.io import strict_json
from pellucid.io.arrays import load_arrays, save_arrays
from pellucid.io.records import append, read_records

NUMBERS = [math.inf, -math.inf, -0.0, 5e-324, float(np.float32(1e-45)), 0.1, math.pi]


def test_f12_json_keeps_every_number() -> None:
    text = strict_json.dumps([math.nan, *NUMBERS, 2**63 - 1, -(2**63)])
    back = strict_json.loads(text)
    assert back[0] is None  # not measured: never 0
    floats = [strict_json.finite_or_text(value) for value in back[1:-2]]
    assert [repr(f) for f in floats] == [repr(f) for f in NUMBERS]
    assert back[-2:] == [2**63 - 1, -(2**63)]


def test_f12_json_has_no_literal_that_other_readers_reject() -> None:
    text = strict_json.dumps({"a": np.array([np.nan, np.inf, -np.inf])})

    def refuse(name: str) -> None:
        raise AssertionError(name)

    assert json.loads(text, parse_constant=refuse) == {"a": [None, "Infinity", "-Infinity"]}


def test_f12_records_keep_every_number(tmp_path: Path) -> None:
    append(tmp_path / "r", {"numbers": [math.nan, *NUMBERS], "n": np.int64(2**63 - 1)})
    (back,) = read_records(tmp_path / "r")
    floats = [strict_json.finite_or_text(value) for value in back["numbers"]]
    assert [repr(f) for f in floats] == [repr(f) for f in [math.nan, *NUMBERS]]
    assert back["n"] == 2**63 - 1


@pytest.mark.parametrize(
    "array",
    [
        np.array([np.nan, *NUMBERS]),
        np.array([np.nan, np.inf, -0.0, 1e-45], np.float32),
        np.array([2**63 - 1, -(2**63)]),
        np.array([2**64 - 1], np.uint64),
        # a NaN with a payload of its own
        np.array([0x7FF80000DEADBEEF], np.uint64).view(np.float64),
    ],
)
def test_f12_arrays_keep_every_bit(tmp_path: Path, array: Any) -> None:
    save_arrays(tmp_path / "a", {"x": array})
    back = load_arrays(tmp_path / "a")["x"]
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()
