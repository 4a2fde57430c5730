"""Gives inputs and actions the names that people outside the field understand.

Names come, in this order, from a file of the user's, from `env.metadata["names"]`, from our table
of Gymnasium's own environments. What has no name is called so: "input 3 (unnamed)".
"""

import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from gymnasium import spaces

from pellucid.envs.names import Names
from pellucid.envs.spec import EnvSpec
from pellucid.errors import InputError
from pellucid.io.files import read_bytes

MAX_NAMES_BYTES = 1_000_000
MAX_DEPTH = 20
_KEYS = ("inputs", "actions", "reward_unit")
_TABLE_KEYS = (*_KEYS, "continuous_actions", "more_inputs")


def resolve_names(spec: EnvSpec, env: Any, file: str | Path | None = None) -> Names:
    """Return the names of an environment's inputs and actions.

    Args:
        spec: The environment's spec; its id is looked up in our table.
        env: An environment made from it.
        file: YAML with any of `inputs`, `actions` (each a list of names, or names with units) and
            `reward_unit`. Values stay text: `no` is a name, not a truth value.

    Raises:
        InputError: The file has an unknown key or another number of names than the environment.
        DataError: The file cannot be read.
    """
    n_inputs, n_actions = count_inputs(env.observation_space), count_actions(env.action_space)
    if file is not None:
        return _named(load_names(Path(file)), n_inputs, n_actions, "file", str(file))
    own = (env.metadata or {}).get("names")
    if own is not None:
        return _named(_as_section(own, "metadata"), n_inputs, n_actions, "environment", spec.id)
    entry = _table_entry(spec, n_inputs, env.action_space)
    if entry is None or not _fits(entry, n_inputs, n_actions):
        return _named({}, n_inputs, n_actions, "none", spec.id)
    names = _named(entry, n_inputs, n_actions, "table", spec.id)
    if not spec.wrappers:
        return names
    # a wrapper may rescale what it passes on: the names stay right, the units may not
    return Names(
        names.inputs, ("",) * n_inputs, names.actions, names.action_units, source=names.source
    )


def load_names(file: Path) -> Mapping[str, Any]:
    """Return the content of a names file, everything in it text.

    Raises:
        InputError: It is not such a file; the message says where.
        DataError: It cannot be read.
    """
    content = read_bytes(file, max_bytes=MAX_NAMES_BYTES)
    return _as_section(read_yaml(content, where=str(file)), str(file))


def read_yaml(content: bytes, *, where: str, aliases: bool = False) -> Any:
    """Return YAML as dicts, lists and text; nothing in it is ever evaluated or guessed.

    Args:
        content: UTF-8.
        where: Named in messages.
        aliases: Whether `*name` is allowed; expanding aliases can take endless memory.

    Raises:
        InputError: It is larger than `MAX_NAMES_BYTES`, not YAML, or has a tag, an alias or a key
            twice.
    """
    if len(content) > MAX_NAMES_BYTES:
        raise InputError(f"{where} has {len(content)} bytes; at most {MAX_NAMES_BYTES} are read")
    try:
        root = yaml.compose(content.decode("utf-8"), Loader=_ShallowLoader)
        return _plain(root, where, set(), aliases)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{where} is not YAML that can be read: {reason}") from None


def count_inputs(space: Any) -> int:
    """Return the number of inputs of a flattened observation."""
    return math.prod(space.shape or ())


def count_actions(space: Any) -> int:
    """Return the number of discrete actions, or of action dimensions."""
    return int(space.n) if isinstance(space, spaces.Discrete) else math.prod(space.shape)


class _ShallowLoader(yaml.BaseLoader):
    """Builds nothing, and stops at a nesting that no file of ours has: deep ones take minutes."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


# --- from a section to names ---


def _as_section(value: Any, where: str, keys: tuple[str, ...] = _KEYS) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: expected names under inputs and actions")
    unknown = [key for key in value if key not in keys]
    if unknown:
        raise InputError(
            f"{where}: unknown key {unknown[0]!r}", hint=f"known keys: {', '.join(keys)}"
        )
    for key in ("inputs", "actions"):
        _pairs(value.get(key), where, key)
    if not isinstance(value.get("reward_unit", ""), str):
        raise InputError(f"{where}: reward_unit must be text")
    return value


def _named(
    section: Mapping[str, Any], n_inputs: int, n_actions: int, source: str, where: str
) -> Names:
    inputs = [*_pairs(section.get("inputs"), where, "inputs"), *_numbered(section)]
    actions = _pairs(section.get("actions"), where, "actions")
    inputs = _complete(inputs, n_inputs, "input", where)
    actions = _complete(actions, n_actions, "action", where)
    return Names(
        inputs=tuple(name for name, _ in inputs),
        input_units=tuple(unit for _, unit in inputs),
        actions=tuple(name for name, _ in actions),
        action_units=tuple(unit for _, unit in actions),
        reward_unit=section.get("reward_unit", "points"),
        source=source,
    )


def _pairs(value: Any, where: str, key: str) -> list[tuple[str, str]]:
    pairs: list[tuple[Any, Any]]
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, list | tuple):
        pairs = [(name, "") for name in value]
    elif value is None:
        pairs = []
    else:
        raise InputError(f"{where}: {key} must be a list of names, or names with units")
    for name, unit in pairs:
        if not isinstance(name, str) or not isinstance(unit, str) or not name.strip():
            raise InputError(
                f"{where}: {key} must hold names and units that are text, not {name!r}"
            )
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise InputError(f"{where}: {key} holds the same name twice")
    return pairs


def _complete(
    pairs: list[tuple[str, str]], count: int, what: str, where: str
) -> list[tuple[str, str]]:
    if not pairs:
        return [(f"{what} {i} (unnamed)", "") for i in range(count)]
    if len(pairs) != count:
        raise InputError(f"{where}: expected {count} {what} names, got {len(pairs)}")
    return pairs


# --- the table ---


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    content = resources.files("pellucid.envs").joinpath("names.yaml").read_bytes()
    table = read_yaml(content, where="names.yaml", aliases=True)
    return {key: _as_section(entry, key, _TABLE_KEYS) for key, entry in table.items()}


def _table_entry(spec: EnvSpec, n_inputs: int, action_space: Any) -> dict[str, Any] | None:
    found = _table().get(spec.id.rpartition("-v")[0])
    if found is None or spec.factory is not None:
        return None
    entry = dict(found)
    continuous = entry.pop("continuous_actions", None)
    if continuous is not None and isinstance(action_space, spaces.Box):
        entry["actions"] = continuous
    if len(entry.get("inputs", ())) == n_inputs:
        # older versions of an environment lack the further inputs
        entry.pop("more_inputs", None)
    return entry


def _fits(entry: Mapping[str, Any], n_inputs: int, n_actions: int) -> bool:
    n_named = len(entry.get("inputs", ())) + len(_numbered(entry))
    return n_named in (0, n_inputs) and len(entry["actions"]) == n_actions


def _numbered(section: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"{more['name']} {i + 1}", more["unit"])
        for more in section.get("more_inputs", ())
        for i in range(int(more["count"]))
    ]


def _plain(node: Any, where: str, seen: set[int], aliases: bool) -> Any:
    if node is None:
        return None
    line = node.start_mark.line + 1
    if id(node) in seen and not aliases:
        raise InputError(f"{where}, line {line}: aliases are not allowed")
    seen.add(id(node))
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.partition("2002:")[2] not in (
        "str",
        "seq",
        "map",
    ):
        raise InputError(f"{where}, line {line}: tags such as {node.tag!r:.60} are not allowed")
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, where, seen, aliases) for child in node.value]
    mapping: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InputError(f"{where}, line {line}: keys must be text")
        if key.value in mapping:
            raise InputError(f"{where}, line {key.start_mark.line + 1}: {key.value!r} twice")
        mapping[key.value] = _plain(value, where, seen, aliases)
    return mapping
