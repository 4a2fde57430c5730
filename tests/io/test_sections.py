"""Configuration text becomes typed arguments, and what is wrong is named with its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from pellucid.errors import InputError
from pellucid.io.sections import read_section, read_value, with_changes


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise InputError("rate must not be negative", hint="use 0")


@dataclass(frozen=True)
class Outer:
    steps: int
    name: str = "x"
    kind: Literal["a", "b", 3] = "a"
    on: bool = False
    limit: int | None = None
    share: float | Literal["all"] = 0.5
    ks: tuple[int, ...] = (1,)
    inner: Inner = field(default_factory=Inner)
    weights: Mapping[str, float] = field(default_factory=dict)


def test_values_get_their_types() -> None:
    section = {
        "steps": "10",
        "name": "10",
        "kind": "3",
        "on": "yes",
        "limit": "null",
        "share": "all",
        "ks": ["1", "4"],
        "inner": {"rate": "1e-3"},
        "weights": {"a": "2"},
    }
    expected = Outer(10, "10", 3, True, None, "all", (1, 4), Inner(0.001), {"a": 2.0})
    assert read_section(Outer, section, where="") == expected


def test_text_stays_text_and_code_is_no_number() -> None:
    """Part of F20: nothing is evaluated."""
    assert read_value("dict(a=1)", str, where="x") == "dict(a=1)"
    assert read_value("no", str, where="x") == "no"
    with pytest.raises(InputError, match=r"lr: expected a number, got 'dict\(a=1\)'"):
        read_value("dict(a=1)", float, where="lr")


@pytest.mark.parametrize(
    ("section", "what", "hint"),
    [
        ({"stps": "1"}, "c: unknown key 'stps'", "did you mean 'steps'?"),
        ({}, "c: the key 'steps' is missing", None),
        ({"steps": "1.5"}, "c.steps: expected a whole number, got '1.5'", None),
        ({"steps": ["1"]}, "c.steps: expected a whole number", None),
        ({"steps": "9" * 5000}, "c.steps: expected a whole number", None),
        ({"steps": "1", "kind": "aa"}, "c.kind: unknown value 'aa'", "did you mean 'a'?"),
        ({"steps": "1", "kind": ["a"]}, "c.kind: expected one of a, b, 3", None),
        ({"steps": "1", "on": "maybe"}, "c.on: expected true or false", None),
        ({"steps": "1", "ks": "1"}, "c.ks: expected a list", "write"),
        ({"steps": "1", "ks": ["1", "x"]}, "c.ks.1: expected a whole number", None),
        ({"steps": "1", "share": "most"}, "c.share: ", None),
        ({"steps": "1", "inner": "3"}, "c.inner: expected keys with values", None),
        ({"steps": "1", "inner": {"rate": "nan"}}, "c.inner.rate: expected a number", None),
        ({"steps": "1", "inner": {"rate": "-1"}}, "c.inner: rate must not", "use 0"),
        ({"steps": "1", "weights": {"a": "b"}}, "c.weights.a: expected a number", None),
        ("steps", "c: expected keys with values, got 'steps'", None),
    ],
)
def test_what_is_wrong_is_named(section: Any, what: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        read_section(Outer, section, where="c")
    assert what in str(caught.value)
    if hint is not None:
        assert hint in str(caught.value.hint)


def test_functions_are_read_too() -> None:
    def make(steps: int, **more: Any) -> int:
        return steps

    assert read_section(make, {"steps": "3"}, where="") == 3


def test_changes_go_to_their_place_and_leave_the_document() -> None:
    document = {"a": [{"b": "1"}], "c": None}
    changed = with_changes(document, {"a.0.b": "2", "c.d": "3"}, where="x")
    assert changed == {"a": [{"b": "2"}], "c": {"d": "3"}}
    assert document == {"a": [{"b": "1"}], "c": None}
    with pytest.raises(InputError, match=r"'a\.1\.b' leads to entry '1' of a list of 1"):
        with_changes(document, {"a.1.b": "2"}, where="x")
    with pytest.raises(InputError, match="leads into '1', which has no parts"):
        with_changes(document, {"a.0.b.c": "2"}, where="x")
