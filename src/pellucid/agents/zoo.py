"""What RL Baselines3 Zoo leaves beside an agent: how it was trained, in plain values.

Nothing in the files is imported, evaluated or unpickled. Wrappers are named, never applied; the
statistics of `VecNormalize` are noticed, never opened.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.agents.normalisation import STATE, doubtful
from pellucid.errors import ArtifactError
from pellucid.io.tagged_yaml import read_tagged_yaml

CONFIG, ARGUMENTS = "config.yml", "args.yml"
STATISTICS = ("vecnormalize.pkl", "vec_normalize.pkl")
BEST = "best_model.zip"
_SUFFIX = ".zip"
_NOT_OBSERVATIONS = re.compile(r"norm_obs\W{1,4}\s*False")
_WRAPPER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_MOST = 20


@dataclass(frozen=True)
class ZooFolder:
    """What is known of an agent from the folder that it was trained in.

    Args:
        archive: The Stable-Baselines3 archive.
        env: Id of its environment; empty if no file tells it.
        env_kwargs: Arguments of the environment, plain values.
        wrappers: Each as `module:Class`, innermost first.
        frame_stack: How many observations it sees at once.
        normalised: Whether its observations were normalised; None if no file tells it.
        statistics: The pickle with their statistics, None if there is none.
        notes: What could not be taken up, one sentence each.
    """

    archive: Path
    env: str = ""
    env_kwargs: Mapping[str, Any] | None = None
    wrappers: tuple[str, ...] = ()
    frame_stack: int = 1
    normalised: bool | None = None
    statistics: Path | None = None
    notes: tuple[str, ...] = ()

    def card(self) -> dict[str, Any]:
        """Return what the agent's card says of its training."""
        told: dict[str, Any] = {
            "training_folder": {
                "file": self.archive.name,
                "env": self.env,
                "wrappers": list(self.wrappers),
                "frame_stack": self.frame_stack,
                "normalised": self.normalised,
            }
        }
        if self.normalised:
            said = f"{CONFIG} says normalize"
            if self.statistics is not None:
                said = f"{self.statistics.name} lies beside it"
            return told | doubtful(said)
        return told if self.normalised is None else told | {STATE: "no"}


def find_zoo(path: Path) -> ZooFolder | None:
    """Return what the Zoo left in an agent's folder; None if it left nothing.

    Args:
        path: The folder `logs/<algorithm>/<env>_<n>`, or an archive in it.

    Raises:
        ArtifactError: It is such a folder, and which archive is meant is not clear.
        DataError: One of its files is damaged.
    """
    if path.is_dir():
        folder = path
    elif path.suffix.lower() == _SUFFIX and path.is_file():
        folder = path.parent
    else:
        return None
    settings = _settings_folder(folder, path.stem if path.is_file() else None)
    if settings is None:
        return None
    arguments, unread_too = _fields(settings / ARGUMENTS)
    # beside an archive, a file of that name may be anybody's
    theirs = settings != folder or (settings / ARGUMENTS).is_file()
    config, unread = _fields(settings / CONFIG) if theirs else ({}, ())
    env = _text(arguments.get("env")) or (settings.name if settings != folder else "")
    archive = path if path.is_file() else _archive(folder, env)
    statistics = next((settings / n for n in STATISTICS if (settings / n).is_file()), None)
    wrappers, notes = _wrappers(config.get("env_wrapper"))
    kwargs = arguments.get("env_kwargs")
    return ZooFolder(
        archive,
        env,
        kwargs if isinstance(kwargs, Mapping) and kwargs else None,
        wrappers,
        _count(config.get("frame_stack")),
        _normalised(config, statistics),
        statistics,
        (
            *notes,
            *(f"{CONFIG} or {ARGUMENTS} was not read at {what}" for what in (*unread, *unread_too)),
        ),
    )


# --- files ---


def _settings_folder(folder: Path, stem: str | None) -> Path | None:
    """Return where the settings lie: in a subfolder named after the environment, or beside."""
    marks = (CONFIG, ARGUMENTS, *STATISTICS)
    named = [folder / stem] if stem is not None else []
    subfolders = sorted(p for p in folder.iterdir() if p.is_dir())[:_MOST]
    fitting = [p for p in subfolders if (folder / f"{p.name}{_SUFFIX}").is_file()]
    lone = subfolders if (folder / BEST).is_file() and len(subfolders) == 1 else []
    for place in (*named, folder, *fitting, *lone):
        telling = marks if place != folder else marks[1:]
        if any((place / mark).is_file() for mark in telling) and any(folder.glob(f"*{_SUFFIX}")):
            return place
    return None


def _archive(folder: Path, env: str) -> Path:
    archives = sorted(p for p in folder.glob(f"*{_SUFFIX}") if p.is_file())
    named = folder / f"{env.replace('/', '-')}{_SUFFIX}"
    for found in (named, folder / BEST):
        if found in archives:
            return found
    if len(archives) == 1:
        return archives[0]
    listed = ", ".join(p.name for p in archives[:5])
    raise ArtifactError(
        f"{folder} holds several archives: {listed}", hint=f"name one, such as {archives[0]}"
    )


def _fields(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    if not path.is_file():
        return {}, ()
    found = read_tagged_yaml(path)
    return found.fields, found.unread


# --- settings ---


def _normalised(config: Mapping[str, Any], statistics: Path | None) -> bool | None:
    stated = config.get("normalize")
    more = config.get("normalize_kwargs")
    for settings in (stated, more):
        if isinstance(settings, Mapping) and settings.get("norm_obs") is False:
            return False
        if isinstance(settings, str) and _NOT_OBSERVATIONS.search(settings):
            return False
    if statistics is not None or isinstance(stated, str | Mapping):
        return True
    return stated if isinstance(stated, bool) else None


def _wrappers(stated: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    entries = stated if isinstance(stated, list) else [] if stated is None else [stated]
    names, notes = [], []
    for entry in entries[:_MOST]:
        name = next(iter(entry), "") if isinstance(entry, Mapping) else entry
        if not isinstance(name, str) or not _WRAPPER.fullmatch(name):
            notes.append(f"{CONFIG} names a wrapper that is no name of a class")
            continue
        if isinstance(entry, Mapping) and entry[name]:
            notes.append(
                f"{CONFIG} gives {name} arguments: name a function of your own that applies them"
            )
        module, _, cls = name.rpartition(".")
        names.append(f"{module}:{cls}")
    return tuple(names), tuple(notes)


def _count(value: Any) -> int:
    return value if type(value) is int and 1 <= value <= 1000 else 1


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) < 200 else ""
