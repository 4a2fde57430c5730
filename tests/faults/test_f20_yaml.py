"""F20: YAML that would build objects, fill the memory or hide a line is refused."""

import time
import tracemalloc
from pathlib import Path

import pytest

from pellucid.envs.naming import MAX_NAMES_BYTES, load_names, read_yaml
from pellucid.errors import DataError, InputError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def refusal(content: bytes) -> str:
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(InputError) as caught:
        read_yaml(content, where="x.yaml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - started < 5.0
    assert peak < 50 * 1024**2
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("x.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [touch marker]",
        "!!python/object/new:os.system [touch marker]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!binary aGk=",
        "!!int 3",
        "!mine x",
    ],
)
def test_f20_no_tag_builds_anything(
    tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "tags such as" in refusal(f"inputs: {tag}".encode())
    assert list(tmp_path.iterdir()) == []


def test_f20_aliases_are_refused_before_they_multiply() -> None:
    assert "aliases are not allowed" in refusal(LAUGHS.encode())
    assert "aliases are not allowed" in refusal(b"a: &a {x: 1}\nb:\n  <<: *a\n")


def test_f20_a_huge_scalar_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    with path.open("wb") as file:  # a hole of 100 MB takes no disk
        file.write(b"inputs: ")
        file.truncate(100 * 1024**2)
    tracemalloc.start()
    with pytest.raises(DataError, match="104857600 bytes and at most 1000000 are read"):
        load_names(path)
    assert tracemalloc.get_traced_memory()[1] < 1024**2
    tracemalloc.stop()
    assert "at most 1000000 are read" in refusal(b"a: " + b"x" * MAX_NAMES_BYTES)


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "outer:\n  a: 1\n  b: 2\n  a: 3\n", "- {a: 1, 'a': 2}\n"]
)
def test_f20_a_key_that_occurs_twice_is_refused_with_its_line(text: str) -> None:
    said = refusal(text.encode())
    assert "'a' twice" in said
    assert f"line {text[: text.rindex('a')].count(chr(10)) + 1}" in said


def test_f20_text_stays_text() -> None:
    read = read_yaml(
        b"lr: dict(a=1)\ncountry: no\nversion: 1.10\ntime: 12:30:45\nnull_: ~\nhex: 0x10\n"
        b"when: 2024-01-01\ncall: __import__('os').system('touch marker')\n",
        where="x.yaml",
    )
    assert read == {
        "lr": "dict(a=1)",
        "country": "no",
        "version": "1.10",
        "time": "12:30:45",
        "null_": "~",
        "hex": "0x10",
        "when": "2024-01-01",
        "call": "__import__('os').system('touch marker')",
    }


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a: [", b"? [x]\n: y\n", b"a: b: c", b"[" * 2000, b"a\0b"]
)
def test_f20_what_is_no_yaml_is_refused_in_one_line(content: bytes) -> None:
    refusal(content)
