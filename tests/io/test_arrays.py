"""Arrays come back bit for bit, or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from safetensors.numpy import load_file, save_file

from pellucid.errors import DataError
from pellucid.io.arrays import NUMPY_FORMATS, dump_arrays, load_arrays, parse_arrays, save_arrays


def bits(array: Any) -> tuple[Any, ...]:
    return array.dtype, array.shape, array.tobytes()


@pytest.mark.parametrize("dtype", sorted(NUMPY_FORMATS))
def test_every_type_comes_back(tmp_path: Path, dtype: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(dtype)
    if dtype.startswith("float"):
        values[0] = [-0.0, np.nan, -np.inf]
        values[1, 0] = np.finfo(dtype).smallest_subnormal
    elif dtype != "bool":
        values[0] = np.iinfo(dtype).max
    arrays = {"x": values, "scalar": values[0, 0].reshape(()), "empty": values[:0]}
    save_arrays(tmp_path / "a", arrays)
    back = load_arrays(tmp_path / "a")
    assert {k: bits(v) for k, v in back.items()} == {k: bits(v) for k, v in arrays.items()}
    assert back["x"].flags.writeable


def test_layout_in_memory_does_not_matter() -> None:
    values = np.arange(12.0).reshape(3, 4)
    forms = [values, np.asfortranarray(values), values.astype(">f8"), values[:, ::-1][:, ::-1]]
    assert len({dump_arrays({"x": form}) for form in forms}) == 1


def test_equal_arrays_give_equal_bytes_in_any_order() -> None:
    named = {f"n{i}": np.full(i, i, dtype=["f4", "i8", "u1"][i % 3]) for i in range(20)}
    backwards = dict(reversed(named.items()))
    assert dump_arrays(named) == dump_arrays(backwards)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.array([1j])])
def test_other_types_are_refused(array: Any) -> None:
    with pytest.raises(TypeError, match="'x' has type"):
        dump_arrays({"x": array})


def test_files_of_others_are_read_and_ours_by_others(tmp_path: Path) -> None:
    values = {"a": np.arange(3.0), "b": np.zeros((2, 2), np.int8)}
    save_file(values, tmp_path / "theirs")
    save_arrays(tmp_path / "ours", values)
    for read in (load_arrays(tmp_path / "theirs"), load_file(tmp_path / "ours")):
        assert {k: bits(v) for k, v in read.items()} == {k: bits(v) for k, v in values.items()}


@given(
    st.dictionaries(
        st.text(max_size=5).filter(lambda name: name != "__metadata__"),
        numpy_strategies.arrays(np.float32, numpy_strategies.array_shapes(max_side=3)),
        max_size=4,
    )
)
@settings(max_examples=20, deadline=None)
def test_any_arrays_come_back(arrays: dict[str, Any]) -> None:
    try:
        content = dump_arrays(arrays)
    except UnicodeEncodeError:
        return  # a lone surrogate in a name
    back = parse_arrays(content, where="x")
    assert {k: bits(v) for k, v in back.items()} == {k: bits(v) for k, v in arrays.items()}


def file_with(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape: Any, offsets: Any, dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"short", "too few"),
        ((2**60).to_bytes(8, "little") + b"{}", "header claims"),
        (file_with(b"[]"), "does not begin"),
        (file_with(b'{"a": 1, "a": 2}'), "occurs twice"),
        (file_with(b"{" * 500), "nested deeper"),
        (file_with({"a": 1}), "lacks dtype"),
        (file_with({"a": entry([1], [0, 4], "F99")}, b"1234"), "unknown type"),
        (file_with({"a": entry([1], [0, 4], ["F32"])}, b"1234"), "unknown type"),
        (file_with({"a": entry([-1], [0, 4])}, b"1234"), "shape or offsets"),
        (file_with({"a": entry([True], [0, 4])}, b"1234"), "shape or offsets"),
        (file_with({"a": entry([1], [0, 4, 8])}, b"1234"), "shape or offsets"),
        (file_with({"a": entry([2**62, 2**62], [0, 4])}, b"1234"), "does not fit its offsets"),
        (file_with({"a": entry([1], [0, 4])}, b"12345678"), "gap"),
        (file_with({"a": entry([2], [0, 8])}, b"1234"), "end is missing"),
        (file_with({"a": entry([1], [4, 8])}, b"12345678"), "gap"),
        (
            file_with({"a": entry([1], [0, 4]), "b": entry([1], [2, 6])}, b"123456"),
            "overlap",
        ),
        (file_with({"__metadata__": {"a": 1}}), "metadata"),
        (file_with({"a": entry([1], [0, 4]), "__metadata__": {"pellucid.sha256": "0"}}, b"1234"),
         "checksum"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused(content: bytes, what: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_arrays(content, where="x.safetensors")
    assert str(caught.value).startswith("x.safetensors is not a sound safetensors file: ")
    assert what in str(caught.value)


def test_a_type_that_numpy_lacks_is_named() -> None:
    content = file_with({"a": entry([1], [0, 2], "BF16")}, b"12")
    with pytest.raises(DataError, match="'a' has type BF16"):
        parse_arrays(content, where="x")


def test_no_flipped_bit_passes_unseen() -> None:
    """Part of F06: every single-bit change is an error, or leaves the same arrays."""
    arrays = {"w": np.arange(4, dtype=np.float32), "i": np.arange(3)}
    content = dump_arrays(arrays)
    expected = {k: bits(v) for k, v in arrays.items()}
    rng = np.random.default_rng(0)
    for position in rng.choice(len(content) * 8, size=400, replace=False):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << (position % 8)
        try:
            back = parse_arrays(bytes(damaged), where="x")
        except DataError:
            continue
        assert {k: bits(v) for k, v in back.items()} == expected


def test_a_file_cut_anywhere_is_refused() -> None:
    """Part of F05."""
    content = dump_arrays({"w": np.arange(40, dtype=np.float32)})
    for length in range(len(content)):
        with pytest.raises(DataError):
            parse_arrays(content[:length], where="x")
