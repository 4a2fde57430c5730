"""Explanations on disk: `<path>.json` for everything readable, `<path>.safetensors` for arrays.

JSON holds no NaN and no infinity, so numbers go through one coding: `{"number": "nan"}` and the
like stand for what JSON lacks, and reading restores them exactly.
"""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from pellucid import __version__
from pellucid.budget import Cost
from pellucid.errors import DataError
from pellucid.explanation.content import KINDS, Content
from pellucid.explanation.explanation import Explanation
from pellucid.explanation.score import Badge, Control, Curve, Interval, Score, TextPair
from pellucid.explanation.wording import Fact
from pellucid.io import arrays as stored_arrays
from pellucid.io import atomic, strict_json
from pellucid.io.documents import check_seal, newer_version, sealed

SCHEMA = 1
_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_SUFFIXES = (".json", ".safetensors")


def save_explanation(explanation: Explanation, path: Path) -> Path:
    """Write `<path>.json` and `<path>.safetensors`; return the path of the JSON file.

    Args:
        explanation: Any explanation, also one without content (no array file is needed then).
        path: Path without an ending; `.json` or `.safetensors` is taken off.
    """
    base = _base(path)
    content, found = _split_content(explanation.content)
    fields = {
        f.name: _encode(getattr(explanation, f.name))
        for f in dataclasses.fields(explanation)
        if f.name != "content"
    }
    document = sealed(
        {
            "schema": SCHEMA,
            "written_by": f"pellucid {__version__}",
            "explanation": {**fields, "content": content},
        }
    )
    # arrays first: a JSON file that names arrays which are not there yet must never exist
    if found:
        stored_arrays.save_arrays(base.with_name(base.name + ".safetensors"), found)
    target = base.with_name(base.name + ".json")
    atomic.write_text(target, strict_json.dumps(document))
    return target


def load_explanation(path: str | Path) -> Explanation:
    """Return a stored explanation, equal to the one that was saved.

    Args:
        path: As given to `save_explanation`, with or without its ending.

    Raises:
        DataError: A file is missing, damaged or written by a newer version.
    """
    base = _base(Path(path))
    source = base.with_name(base.name + ".json")
    document = strict_json.read(source)
    _check_schema(document, source.name)
    try:
        return _rebuild(document["explanation"], base.with_name(base.name + ".safetensors"))
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise DataError(
            f"{source.name} is damaged: {type(error).__name__}: {error}", hint="save it again"
        ) from error


def _check_schema(document: Any, name: str) -> None:
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise DataError(f"{name} is not a stored explanation", hint="expected a key `schema`")
    if schema > SCHEMA:
        raise newer_version(name, str(document.get("written_by", "")).removeprefix("pellucid "))
    check_seal(document, where=name)


def _base(path: Path) -> Path:
    return path.with_suffix("") if path.suffix in _SUFFIXES else path


# --- writing ---


def _split_content(content: Content | None) -> tuple[Any, dict[str, np.ndarray]]:
    if content is None:
        return None, {}
    plain: dict[str, Any] = {}
    found: dict[str, np.ndarray] = {}
    for item in dataclasses.fields(content):
        value = getattr(content, item.name)
        if isinstance(value, np.ndarray):
            found[item.name] = value
        else:
            plain[item.name] = _encode(value)
    return {"kind": content.kind, "fields": plain, "arrays": sorted(found)}, found


def _encode(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")}
    return value


# --- reading ---


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"number"} and value["number"] in _NUMBERS:
            return _NUMBERS[value["number"]]
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    return value


def _rebuild(stored: Mapping[str, Any], array_file: Path) -> Explanation:
    fields = {key: _decode(value) for key, value in stored.items() if key != "content"}
    if fields["badge"] not in get_args(Badge):
        raise ValueError(f"unknown badge {fields['badge']!r}")
    fields["facts"] = {name: Fact(**item) for name, item in fields["facts"].items()}
    fields["allowed"] = Cost(**fields["allowed"])
    fields["used"] = Cost(**fields["used"])
    fields["faithfulness"] = tuple(_score(item) for item in fields["faithfulness"])
    fields["warnings"] = tuple(fields["warnings"])
    fields["left_out"] = tuple(fields["left_out"])
    return Explanation(content=_content(stored["content"], array_file), **fields)


def _score(item: dict[str, Any]) -> Score:
    control = item.pop("control")
    # files from before there were curves or examples have none
    curve, example = item.pop("curve", None), item.pop("example", None)
    return Score(
        interval=Interval(**item.pop("interval")),
        gap=Interval(**item.pop("gap")),
        control=Control(control["name"], Interval(**control["interval"])) if control else None,
        curve=_curve(curve) if curve else None,
        example=TextPair(**example) if example else None,
        **item,
    )


def _curve(stored: dict[str, Any]) -> Curve:
    return Curve(
        axis=stored["axis"],
        levels=tuple(stored["levels"]),
        values=tuple(Interval(**point) for point in stored["values"]),
        controls=tuple(Interval(**point) for point in stored["controls"]),
    )


def _content(stored: Any, array_file: Path) -> Content | None:
    if stored is None:
        return None
    kind: Any = KINDS[stored["kind"]]
    plain = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in _decode(stored["fields"]).items()
    }
    found = stored_arrays.load_arrays(array_file) if stored["arrays"] else {}
    content: Content = kind(**plain, **{name: found[name] for name in stored["arrays"]})
    return content
