"""Reads a folder of recorded steps: `steps.npz`, `steps.parquet` or `steps.jsonl`; docs/logs.md.

One row per step, under the names that Minari uses. Nothing in the files is run or evaluated:
arrays of objects and Arrow's extension types are refused.
"""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Shaped

from pellucid.agents.spaces import from_json
from pellucid.errors import DataError
from pellucid.io import strict_json
from pellucid.io.files import read_bytes
from pellucid.io.messages import first_line
from pellucid.io.npz import members_of, read_npz
from pellucid.rollouts.logs import (
    NO_FINAL,
    Log,
    check_shapes,
    checked_episode,
    evenly,
    inferred_spaces,
    kept_warning,
    split,
    with_final,
)

NPZ, PARQUET, JSONL = "steps.npz", "steps.parquet", "steps.jsonl"
FILES = (NPZ, PARQUET, JSONL)
ABOUT = "about.json"
NEEDED = ("observations", "actions", "rewards", "terminations")
OPTIONAL = ("truncations", "episodes", "next_observations")
_ABOUT_KEYS = ("observation_space", "action_space", "env", "policy")
MAX_BYTES = 1024**3
MAX_ABOUT_BYTES = 64 * 1024**2
_NUMBERS = "biuf"


def is_log_folder(path: Path) -> bool:
    """Whether a folder holds recorded steps."""
    return path.is_dir() and any((path / name).is_file() for name in FILES)


def read_log_folder(folder: Path, *, n_episodes: int) -> Log:
    """Return the episodes in a folder, at most `n_episodes` of them, evenly spread.

    Raises:
        DataError: A file is missing, damaged, or not of the form in docs/logs.md.
    """
    files = [folder / name for name in FILES if (folder / name).is_file()]
    if len(files) != 1:
        held = ", ".join(f.name for f in files) or "none"
        raise DataError(f"{folder} must hold one of {', '.join(FILES)}; it holds {held}")
    file, where = files[0], str(files[0])
    columns = _READERS[file.name](file)
    if columns["actions"].ndim == 1 and columns["actions"].dtype.kind == "f":
        columns["actions"] = columns["actions"][:, None]  # one dimension, as environments have it
    about = _about(folder / ABOUT)
    spaces = _spaces(about, columns, where, str(folder / ABOUT))
    check_shapes(where, columns["observations"], columns["actions"], spaces)
    terminated, truncated = _flags(columns, "terminations"), _flags(columns, "truncations")
    rows = split(terminated | truncated, columns.get("episodes"), where=where)
    finals = columns.get("next_observations")
    kept = evenly(len(rows), n_episodes)
    attempted = tuple(
        checked_episode(
            index,
            with_final(
                columns["observations"][rows[index]],
                None if finals is None else finals[rows[index].stop - 1],
            ),
            columns["actions"][rows[index]],
            columns["rewards"][rows[index]],
            bool(terminated[rows[index].stop - 1]),
            bool(truncated[rows[index].stop - 1]),
            spaces,
        )
        for index in kept
    )
    told = ("policy" in about) and about["policy"] == "sampled"
    return Log(
        attempted,
        *spaces,
        source=str(folder),
        sha256=_digest(file, folder / ABOUT),
        env_id=str(about.get("env", "")),
        sampled=told if "policy" in about else None,
        warnings=(
            *kept_warning(len(kept), len(rows)),
            *(() if finals is not None else (NO_FINAL,)),
        ),
    )


# --- columns ---


def _read_npz(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    held = members_of(path)
    names = [*NEEDED, *(name for name in OPTIONAL if name in held)]
    return _checked(read_npz(path, names), str(path))


def _read_parquet(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    content = read_bytes(path, max_bytes=MAX_BYTES)
    try:
        file = pq.ParquetFile(io.BytesIO(content), arrow_extensions_enabled=False)
        names = [n for n in (*NEEDED, *OPTIONAL) if n in file.schema_arrow.names]
        _check_types(file.schema_arrow, names, str(path))
        if file.metadata.num_rows > MAX_BYTES:
            raise DataError(f"{path} claims {file.metadata.num_rows} rows")
        table = file.read(columns=names)
    except DataError:
        raise
    except Exception as error:  # damaged in any way
        raise DataError(f"{path} cannot be read: {first_line(error)}") from None
    return _checked({name: _as_array(table[name], name, path) for name in names}, str(path))


def _check_types(schema: Any, names: list[str], where: str) -> None:
    for name in names:
        field = schema.field(name)
        marked = b"ARROW:extension:name" in (field.metadata or {})
        if marked or isinstance(field.type, pa.BaseExtensionType):
            raise DataError(
                f"{where}: the column {name!r} has an extension type, which is not read"
            )


def _as_array(column: Any, name: str, path: Path) -> Shaped[np.ndarray, "..."]:
    """Return a column of numbers or of (nested) lists of one length as an array."""
    values, shape = column.combine_chunks(), [len(column)]
    while pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        lengths = np.diff(values.offsets.to_numpy())
        if values.null_count or len(set(lengths.tolist())) > 1:
            raise DataError(f"{path}: the lists in {name!r} are not all of one length")
        shape.append(int(lengths[0]) if len(lengths) else 0)
        values = values.flatten()
    if pa.types.is_fixed_size_list(values.type):
        shape.append(values.type.list_size)
        values = values.flatten()
    if values.null_count or not _is_number(values.type):
        raise DataError(f"{path}: {name!r} has type {values.type}, expected numbers without gaps")
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(shape)


def _is_number(kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


def _read_jsonl(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    columns: dict[str, list[Any]] = {}
    lines = read_bytes(path, max_bytes=MAX_BYTES).splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = strict_json.loads(line, where=f"{path}, line {number}")
        if not isinstance(row, Mapping) or (columns and set(row) != set(columns)):
            raise DataError(f"{path}, line {number}: expected the keys of the first line")
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    found = {}
    for name in (*NEEDED, *OPTIONAL):
        if name in columns:
            try:
                found[name] = np.array(columns[name])
            except ValueError:
                raise DataError(f"{path}: {name!r} is not of one shape in every line") from None
    return _checked(found, str(path))


def _checked(
    columns: dict[str, Shaped[np.ndarray, "..."]], where: str
) -> dict[str, Shaped[np.ndarray, "..."]]:
    for name in NEEDED:
        if name not in columns:
            raise DataError(f"{where} has no {name!r}; needed are {', '.join(NEEDED)}")
    count = len(columns["rewards"])
    for name, values in columns.items():
        single = name not in ("observations", "actions", "next_observations")
        if values.dtype.kind not in _NUMBERS or (single and values.ndim != 1):
            raise DataError(
                f"{where}: {name!r} must hold {'a number' if single else 'numbers'} per step"
            )
        if values.ndim == 0 or len(values) != count:
            raise DataError(f"{where}: {name!r} has another number of rows than 'rewards', {count}")
    if count == 0:
        raise DataError(f"{where} holds no steps")
    final = columns.get("next_observations")
    if final is not None and final.shape != columns["observations"].shape:
        raise DataError(f"{where}: 'next_observations' differ in shape from 'observations'")
    return columns


def _flags(columns: Mapping[str, Any], name: str) -> Shaped[np.ndarray, " steps"]:
    given = columns.get(name)
    return np.zeros(len(columns["rewards"]), bool) if given is None else given.astype(bool)


_READERS = {NPZ: _read_npz, PARQUET: _read_parquet, JSONL: _read_jsonl}


# --- what the log tells of itself ---


def _about(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    about = strict_json.read(path, max_bytes=MAX_ABOUT_BYTES)
    unknown = sorted(set(about) - set(_ABOUT_KEYS)) if isinstance(about, Mapping) else ["no table"]
    if unknown:
        raise DataError(f"{path}: unknown {unknown[0]!r:.60}; known: {', '.join(_ABOUT_KEYS)}")
    if about.get("policy", "greedy") not in ("greedy", "sampled"):
        raise DataError(f"{path}: 'policy' must be greedy or sampled")
    if not isinstance(about.get("env", ""), str):
        raise DataError(f"{path}: 'env' must be the id of an environment")
    return dict(about)


def _spaces(
    about: Mapping[str, Any], columns: Mapping[str, Any], where: str, about_where: str
) -> tuple[Any, Any]:
    try:
        inferred = inferred_spaces(columns["observations"], columns["actions"])
    except (ValueError, AssertionError, OverflowError) as error:
        raise DataError(f"{where}: no spaces fit its numbers: {first_line(error)}") from None
    return (
        from_json(about["observation_space"], where=about_where)
        if "observation_space" in about
        else inferred[0],
        from_json(about["action_space"], where=about_where)
        if "action_space" in about
        else inferred[1],
    )


def _digest(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
