"""Reads data sets of Minari from disk, without Minari: nothing is downloaded or imported."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.agents.spaces import from_json
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.io import strict_json
from pellucid.io.hdf5 import array_in, group_in, names_in, open_hdf5
from pellucid.provenance import sha256_file
from pellucid.rollouts.logs import Log, check_shapes, checked_episode, evenly, kept_warning

PREFIX = "minari:"
METADATA, MAIN = "metadata.json", "main_data.hdf5"
HOME = "MINARI_DATASETS_PATH"
MAX_METADATA_BYTES = 64 * 1024**2
_ID = re.compile(r"[\w.-]+(/[\w.-]+)*-v\d+")
_EPISODE = re.compile(r"episode_\d+")
_READ = "Box, Discrete, MultiDiscrete and MultiBinary"


def is_minari(source: str | Path) -> bool:
    """Whether a source is `minari:id` or the folder of a data set."""
    if str(source).startswith(PREFIX):
        return True
    path = Path(source)
    return path.is_dir() and (_data(path) / METADATA).is_file() and (_data(path) / MAIN).is_file()


def read_minari(source: str | Path, *, n_episodes: int) -> Log:
    """Return the episodes of a data set, at most `n_episodes` of them, evenly spread.

    Args:
        source: `minari:id` of one that is on this disk, or its folder.
        n_episodes: How many to read.

    Raises:
        InputError: There is no such data set here; the hint says how to get it.
        CapabilityError: Its spaces or its form are not read.
        DataError: A file is damaged or unsafe to follow.
    """
    folder = _data(_located(str(source)))
    where = str(folder / METADATA)
    metadata = strict_json.read(folder / METADATA, max_bytes=MAX_METADATA_BYTES)
    if not isinstance(metadata, Mapping):
        raise DataError(f"{where} is not a table of fields")
    form = metadata.get("data_format", "hdf5")
    if form != "hdf5":
        raise CapabilityError(
            f"{folder} is stored as {form!r:.40}; read is hdf5",
            hint="write it again with data_format='hdf5'",
        )
    spaces = (
        _space(metadata.get("observation_space"), f"observation_space in {where}"),
        _space(metadata.get("action_space"), f"action_space in {where}"),
    )
    file = folder / MAIN
    with open_hdf5(file) as root:
        names = sorted(
            (n for n in names_in(root) if _EPISODE.fullmatch(n)), key=lambda n: int(n[8:])
        )
        if not names:
            raise DataError(f"{file} holds no episodes")
        kept = evenly(len(names), n_episodes)
        attempted = tuple(
            _episode(group_in(root, names[i], where=str(file)), i, spaces, f"{file}, {names[i]}")
            for i in kept
        )
    digest = hashlib.sha256(f"{sha256_file(file)} {sha256_file(folder / METADATA)}".encode())
    return Log(
        attempted,
        *spaces,
        source=str(source),
        sha256=digest.hexdigest(),
        env_id=_env_id(metadata.get("env_spec")),
        warnings=kept_warning(len(kept), len(names)),
    )


def _located(source: str) -> Path:
    if not source.startswith(PREFIX):
        return Path(source)
    name = source.removeprefix(PREFIX)
    if _ID.fullmatch(name) is None or ".." in name.split("/"):
        raise InputError(
            f"{source!r} does not name a data set of Minari",
            hint="such as minari:D4RL/door/human-v2",
        )
    home = os.environ.get(HOME)
    place = (Path(home) if home else Path.home() / ".minari" / "datasets") / name
    if not place.is_dir():
        raise InputError(
            f"there is no data set {name!r} in {place.parent}; nothing is downloaded here",
            hint=f"minari download {name}",
        )
    return place


def _data(folder: Path) -> Path:
    return folder / "data" if (folder / "data").is_dir() else folder


def _episode(group: Any, index: int, spaces: Any, where: str) -> Any:
    arrays = {
        name: array_in(group, name, where=where)
        for name in ("observations", "actions", "rewards", "terminations", "truncations")
    }
    steps = len(arrays["rewards"]) if arrays["rewards"].ndim == 1 else -1
    lengths = {name: steps + (name == "observations") for name in arrays}
    for name, values in arrays.items():
        if values.ndim == 0 or len(values) != lengths[name] or steps < 1:
            raise DataError(f"{where}: {name!r} of shape {values.shape} does not fit {steps} steps")
    check_shapes(where, arrays["observations"], arrays["actions"], spaces)
    return checked_episode(
        index,
        arrays["observations"],
        arrays["actions"],
        arrays["rewards"],
        bool(arrays["terminations"][-1]),
        bool(arrays["truncations"][-1]),
        spaces,
    )


def _space(text: Any, where: str) -> Any:
    """Return a space from Minari's own description, which is JSON in a text."""
    if not isinstance(text, str):
        raise DataError(f"{where} is missing")
    plain = strict_json.loads(text, where=where, non_finite_literals=True)
    kind = plain.get("type") if isinstance(plain, Mapping) else None
    if kind not in ("Box", "Discrete", "MultiDiscrete", "MultiBinary"):
        raise CapabilityError(f"{where} is of the type {kind!r:.40}; read are {_READ}")
    plain = dict(plain)
    if kind == "Box":
        if plain.get("dtype") == "uint8" and len(plain.get("shape") or ()) == 3:
            raise CapabilityError(
                f"{where} are images, which Minari stores as JPEG: not as they were"
            )
        plain |= {end: _flat(plain.get(end), where) for end in ("low", "high")}
    if kind == "MultiBinary":
        size = plain.get("n")
        plain["shape"] = size if isinstance(size, list) else [size]
    return from_json(plain, where=where)


def _flat(bound: Any, where: str) -> Any:
    try:
        return np.asarray(bound, dtype=np.float64).ravel().tolist()
    except (TypeError, ValueError):
        raise DataError(f"{where} does not tell its range") from None


def _env_id(text: Any) -> str:
    if not isinstance(text, str):
        return ""
    try:
        told = strict_json.loads(text, where="env_spec", non_finite_literals=True)
    except DataError:
        return ""
    name = told.get("id") if isinstance(told, Mapping) else None
    return name if isinstance(name, str) and len(name) < 200 else ""
