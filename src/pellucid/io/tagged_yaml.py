"""YAML that other programs wrote with Python's tags, read as plain values; no tag is followed.

PyYAML's `dump` writes an ordered table as `!!python/object/apply:collections.OrderedDict`. Its
content is plain, and is read as a table here. What has any other tag is left unread and named.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pellucid.errors import DataError
from pellucid.io.files import read_bytes

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_NODES = 100_000
"""Values of a document, each counted as often as an alias repeats it."""
_YAML = "tag:yaml.org,2002:"
_ORDERED = f"{_YAML}python/object/apply:collections.OrderedDict"
_LISTS = (f"{_YAML}seq", f"{_YAML}python/tuple")
_TRUE = ("true", "yes", "on")


@dataclass(frozen=True)
class TaggedYaml:
    """What a file holds.

    Args:
        fields: Tables, lists, text, numbers, booleans and None.
        unread: Where a value was left out because of its tag, and the tag.
    """

    fields: dict[str, Any]
    unread: tuple[str, ...] = ()


def read_tagged_yaml(path: Path) -> TaggedYaml:
    """Return the table in a YAML file, with every value plain.

    Text is never evaluated: `lr: lin_0.001` and `policy_kwargs: "dict(a=1)"` stay text.

    Raises:
        DataError: The file is missing, too large, not YAML, holds no table or a key twice.
    """
    content = read_bytes(path, max_bytes=MAX_BYTES)
    try:
        root = yaml.compose(content.decode("utf-8"), Loader=_Composer)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"{path} is not YAML that can be read: {reason}") from None
    reader = _Reader(str(path))
    fields = {} if root is None else reader.value(root, "")
    if not isinstance(fields, dict):
        raise DataError(f"{path} does not hold a table of settings")
    return TaggedYaml(fields, tuple(reader.unread))


class _Composer(yaml.SafeLoader):
    """Finds the tags of plain values and builds nothing; stops at deep nesting."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


@dataclass
class _Reader:
    where: str
    unread: list[str] = field(default_factory=list)
    n_nodes: int = 0

    def value(self, node: Any, path: str) -> Any:
        self.n_nodes += 1
        if self.n_nodes > MAX_NODES:
            raise DataError(f"{self.where} holds more than {MAX_NODES} values")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag == f"{_YAML}map" and isinstance(node, yaml.MappingNode):
            return self._table(node.value, path)
        if isinstance(node, yaml.SequenceNode) and node.tag in _LISTS:
            return [self.value(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        pairs = _ordered_pairs(node)
        if pairs is not None:
            return self._table(pairs, path)
        return self._leave(node, path)

    def _table(self, pairs: Any, path: str) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, value in pairs:
            if not isinstance(key, yaml.ScalarNode):
                raise DataError(f"{self.where}, line {_line(key)}: keys must be text")
            if key.value in table:
                raise DataError(f"{self.where}, line {_line(key)}: {key.value!r:.60} twice")
            table[key.value] = self.value(value, f"{path}.{key.value}" if path else key.value)
        return table

    def _scalar(self, node: yaml.ScalarNode, path: str) -> Any:
        kind, text = node.tag.removeprefix(_YAML), str(node.value)
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() in _TRUE
            case "int" | "float":
                return _number(text)
            case "str" | "timestamp":
                return text
            case _:
                return self._leave(node, path)

    def _leave(self, node: Any, path: str) -> None:
        self.unread.append(f"{path or 'the whole file'} ({node.tag.removeprefix(_YAML)[:60]})")


def _ordered_pairs(node: Any) -> list[Any] | None:
    """Return the pairs of an ordered table as PyYAML writes it; None if it is something else."""
    if node.tag != _ORDERED or not isinstance(node, yaml.SequenceNode):
        return None
    if not node.value:
        return []
    inner = node.value[0]
    if len(node.value) != 1 or not isinstance(inner, yaml.SequenceNode):
        return None
    pairs = [item.value for item in inner.value if isinstance(item, yaml.SequenceNode)]
    sound = len(pairs) == len(inner.value) and all(len(pair) == 2 for pair in pairs)
    return pairs if sound else None


def _number(text: str) -> int | float | str:
    digits = text.replace("_", "")
    for kind in (int, float):
        try:
            return kind(digits)
        except ValueError:
            continue
    return text  # octal, sexagesimal and the like: of no use here


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
