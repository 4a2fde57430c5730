"""Saves episodes and reads them back exactly: arrays bit for bit, everything else as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from pellucid import __version__
from pellucid.envs.names import Names
from pellucid.envs.spec import EnvSpec
from pellucid.errors import CapabilityError, DataError
from pellucid.io.arrays import load_arrays, save_arrays
from pellucid.io.atomic import write_text
from pellucid.io.documents import check_seal, newer_version, sealed
from pellucid.io.files import read_bytes
from pellucid.io.strict_json import dumps, loads
from pellucid.rollouts.episodes import Episode, Episodes, Failure

SCHEMA = "pellucid.episodes"
VERSION = 2
"""Version 2 may hold masks and memories; what holds neither is written as version 1."""
INDEX_FILE = "episodes.json"
ARRAYS_FILE = "episodes.safetensors"
_BY_STEP = ("masks", "memories")


def save_episodes(episodes: Episodes, folder: Path) -> None:
    """Write episodes into a folder that exists.

    A spec with a factory cannot be stored: those episodes are read back without an environment,
    as logs are.

    Args:
        episodes: What to write.
        folder: Gets `episodes.json` and `episodes.safetensors`.

    Raises:
        OSError: The folder cannot be written.
    """
    # the arrays first: the index is what makes them count
    save_arrays(folder / ARRAYS_FILE, _arrays(episodes))
    write_text(folder / INDEX_FILE, dumps(sealed(_index(episodes)), indent=1) + "\n")


def load_episodes(folder: Path) -> Episodes:
    """Read what `save_episodes` wrote; no environment is made and no code is imported.

    Raises:
        DataError: A file is missing, damaged, or written by a newer version.
    """
    path = folder / INDEX_FILE
    index = loads(read_bytes(path), where=str(path))
    if not isinstance(index, dict) or index.get("schema") != SCHEMA:
        raise DataError(f"{path} does not hold episodes")
    version = index.get("version")
    if type(version) is not int or version < 1:
        raise DataError(f"{path} has no schema version")
    if version > VERSION:
        raise newer_version(str(path), index.get("pellucid"))
    check_seal(index, where=str(path))
    arrays = load_arrays(folder / ARRAYS_FILE)
    try:
        return _episodes(index, arrays)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(f"{path} is damaged: {type(error).__name__}: {error!s:.200}") from None


def storable_spec(spec: EnvSpec) -> dict[str, Any]:
    """Return a spec as plain JSON values.

    Raises:
        CapabilityError: It has a factory, which only its own program knows.
    """
    if spec.factory is not None:
        raise CapabilityError(
            f"the environment {spec.id} is made by a factory, which cannot be stored",
            hint="give it as module:callable",
        )
    return {
        "id": spec.id,
        "kwargs": dict(spec.kwargs),
        "wrappers": list(spec.wrappers),
        "max_steps": spec.max_steps,
        "reward_terms": spec.reward_terms,
    }


def spec_from(plain: Mapping[str, Any]) -> EnvSpec:
    """Return the spec that `storable_spec` described.

    Raises:
        TypeError: A part is missing or of another type.
    """
    spec = EnvSpec(
        id=_typed(plain["id"], str),
        kwargs=_typed(plain["kwargs"], dict),
        wrappers=tuple(_typed(w, str) for w in _typed(plain["wrappers"], list)),
        max_steps=_typed(plain["max_steps"], int),
        reward_terms=plain["reward_terms"],
    )
    if spec.reward_terms is not None:
        _typed(spec.reward_terms, str)
    return spec


# --- writing ---


def _index(episodes: Episodes) -> dict[str, Any]:
    spec, names = episodes.spec, episodes.names
    return {
        "schema": SCHEMA,
        "version": VERSION if _has_context(episodes) else 1,
        "pellucid": __version__,
        "spec": None if spec is None or spec.factory is not None else storable_spec(spec),
        "names": {
            "inputs": list(names.inputs),
            "input_units": list(names.input_units),
            "actions": list(names.actions),
            "action_units": list(names.action_units),
            "reward_unit": names.reward_unit,
            "source": names.source,
        },
        "seed": episodes.seed,
        "policy": episodes.policy,
        "warnings": list(episodes.warnings),
        "term_names": _term_names(episodes),
        "episodes": [_episode_entry(e) for e in episodes.attempted],
    }


def _has_context(episodes: Episodes) -> bool:
    return any(e.masks is not None or e.memories is not None for e in episodes.attempted)


def _episode_entry(episode: Episode) -> dict[str, Any]:
    failure = episode.failure
    kept = {name: True for name in _BY_STEP if getattr(episode, name) is not None}
    return kept | {
        "index": episode.index,
        "seed": episode.seed,
        "steps": len(episode),
        "observations": len(episode.observations),
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "terms": list(episode.terms),
        "failure": failure
        and {"kind": failure.kind, "message": failure.message, "step": failure.step},
    }


def _arrays(episodes: Episodes) -> dict[str, Shaped[np.ndarray, "..."]]:
    attempted = episodes.attempted
    if not attempted:
        return {}
    arrays = {
        "observations": np.concatenate([e.observations for e in attempted]),
        "actions": np.concatenate([e.actions for e in attempted]),
        "rewards": np.concatenate([e.rewards for e in attempted]),
    }
    for name in _BY_STEP:
        kept = [getattr(e, name) for e in attempted if getattr(e, name) is not None]
        arrays |= {name: np.concatenate(kept)} if kept else {}
    for position, name in enumerate(_term_names(episodes)):
        # by number: names are free text, the keys of the file are not
        values = [e.terms[name] for e in attempted if name in e.terms]
        arrays[f"terms.{position}"] = np.concatenate(values)
    return arrays


def _term_names(episodes: Episodes) -> list[str]:
    return list(dict.fromkeys(name for e in episodes.attempted for name in e.terms))


# --- reading ---


class _Reader:
    """Hands out the rows of the concatenated arrays, episode by episode."""

    def __init__(self, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
        self._arrays = arrays
        self._at: dict[str, int] = {}

    def take(self, name: str, count: int) -> Shaped[np.ndarray, "rows ..."]:
        start = self._at.get(name, 0)
        rows = self._arrays[name][start : start + count]
        if len(rows) != count:
            raise ValueError(f"array {name} is too short")
        self._at[name] = start + count
        return rows.copy()

    def check_exhausted(self) -> None:
        for name, array in self._arrays.items():
            if self._at.get(name, 0) != len(array):
                raise ValueError(f"array {name} is longer than the episodes")


def _episodes(index: Mapping[str, Any], arrays: Mapping[str, Any]) -> Episodes:
    reader = _Reader(arrays)
    term_names = [_typed(name, str) for name in index["term_names"]]
    attempted = tuple(_episode(entry, reader, term_names) for entry in index["episodes"])
    reader.check_exhausted()
    names = index["names"]
    texts = {
        key: tuple(_typed(text, str) for text in _typed(names[key], list))
        for key in ("inputs", "input_units", "actions", "action_units")
    }
    policy = index["policy"]
    if policy not in ("greedy", "sampled"):
        raise ValueError(f"policy {policy!r:.40}")
    return Episodes(
        attempted=attempted,
        spec=None if index["spec"] is None else spec_from(index["spec"]),
        names=Names(
            **texts,
            reward_unit=_typed(names["reward_unit"], str),
            source=_typed(names["source"], str),
        ),
        seed=_typed(index["seed"], int),
        policy=policy,
        warnings=tuple(_typed(text, str) for text in _typed(index["warnings"], list)),
    )


def _episode(entry: Mapping[str, Any], reader: _Reader, term_names: list[str]) -> Episode:
    steps, n_observations = _count(entry["steps"]), _count(entry["observations"])
    failure = entry["failure"]
    if n_observations != steps + 1 and failure is None:
        raise ValueError(f"{steps} steps with {n_observations} observations")
    return Episode(
        index=_typed(entry["index"], int),
        seed=_typed(entry["seed"], int),
        observations=reader.take("observations", n_observations),
        actions=reader.take("actions", steps),
        rewards=reader.take("rewards", steps),
        terminated=_typed(entry["terminated"], bool),
        truncated=_typed(entry["truncated"], bool),
        terms={
            name: reader.take(f"terms.{term_names.index(name)}", steps) for name in entry["terms"]
        },
        failure=failure
        and Failure(
            _typed(failure["kind"], str),
            _typed(failure["message"], str),
            _typed(failure["step"], int),
        ),
        **{name: reader.take(name, steps) for name in _BY_STEP if entry.get(name) is True},
    )


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"count {value!r:.40}")
    return value


def _typed(value: Any, kind: type) -> Any:
    # exact: True is an int to `isinstance`
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, got {value!r:.40}")
    return value
