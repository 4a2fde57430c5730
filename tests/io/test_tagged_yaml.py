"""YAML with Python's tags, read as plain values."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import yaml

from pellucid.errors import DataError
from pellucid.io.tagged_yaml import MAX_NODES, read_tagged_yaml


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yml"
    path.write_text(text)
    return path


def test_an_ordered_table_is_read_as_the_table_that_it_is(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "n_envs": 8,
        "gamma": 0.99,
        "normalize": True,
        "policy": "MlpPolicy",
        "clip_range": "lin_0.2",
        "policy_kwargs": "dict(net_arch=[64])",
        "pair": (1, 2),
        "nothing": None,
        "nested": OrderedDict([("a", 1)]),
        "empty": OrderedDict(),
        "env_wrapper": [{"a.B": {"k": 1}}],
    }
    path = written(tmp_path, yaml.dump(OrderedDict(given)))
    assert "!!python/object/apply" in path.read_text()
    found = read_tagged_yaml(path)
    expected = {**given, "pair": [1, 2], "nested": {"a": 1}, "empty": {}}
    assert found.fields == expected
    assert found.unread == ()


def test_plain_tables_are_read_too(tmp_path: Path) -> None:
    found = read_tagged_yaml(written(tmp_path, "a: 1\nb: [x, ~, 1.5e-3]\nday: 2026-01-01\n"))
    assert found.fields == {"a": 1, "b": ["x", None, 0.0015], "day": "2026-01-01"}
    assert read_tagged_yaml(written(tmp_path, "# nothing\n")).fields == {}


def test_no_other_tag_is_followed(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    text = (
        f"a: !!python/object/apply:os.system ['touch {marker}']\n"
        "b: !!python/name:os.system\n"
        "c: !!python/object/new:collections.OrderedDict [[[k, 1]]]\n"
        "d: [1, !!python/object/apply:builtins.eval ['1+1']]\n"
        "e: 5\n"
    )
    found = read_tagged_yaml(written(tmp_path, text))
    assert not marker.exists()
    assert found.fields == {"a": None, "b": None, "c": None, "d": [1, None], "e": 5}
    assert found.unread[0] == "a (python/object/apply:os.system)"
    assert found.unread[3].startswith("d[1] (")


def test_an_ordered_table_of_another_form_is_left_unread(tmp_path: Path) -> None:
    text = "a: !!python/object/apply:collections.OrderedDict [[[k, 1, 2]]]\n"
    found = read_tagged_yaml(written(tmp_path, text))
    assert found.fields == {"a": None}
    assert len(found.unread) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "not YAML"),
        ("- 1\n- 2\n", "does not hold a table"),
        ("a: 1\na: 2\n", "line 2: 'a' twice"),
        ("? [1]\n: 2\n", "keys must be text"),
        ("a: " + "[" * 30 + "]" * 30, "nested deeper"),
        ("!!python/object/apply:os.system ['true']", "does not hold a table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_tagged_yaml(written(tmp_path, text))


def test_aliases_that_multiply_are_stopped(tmp_path: Path) -> None:
    lines = ["l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 8)]
    with pytest.raises(DataError, match=f"more than {MAX_NODES} values"):
        read_tagged_yaml(written(tmp_path, "\n".join(lines)))
