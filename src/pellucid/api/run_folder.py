"""The run folder: every part of a run is stored as soon as it is done, and reused on resume.

`run.json` is the commit record. A part counts as done only when it is listed there, which happens
after its files are complete; so a killed run loses at most the part in progress. `state` is
`started`, then `finished`, `interrupted`, `stopped: <why>` or `failed: <why>`.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pellucid.budget import Cost
from pellucid.errors import DataError, InputError
from pellucid.io import atomic, strict_json
from pellucid.io.locks import release_lock, take_lock
from pellucid.io.records import check_stamp, stamp
from pellucid.provenance import sha256_file, sha256_tree

SCHEMA = 1
MAX_RUN_BYTES = 16 * 1024**2
RUN_FILE, LOCK_FILE = "run.json", "run.lock"
AGENT, EPISODES, EXPLANATIONS, FRAMES = "agent", "episodes", "explanations", "frames"
WAYS = "ways"
"""The part without files that tells how steps are returned to, which methods share."""
OTHER_SEEDS = "other-seeds"
REPORT_FILES = ("report.html", "report.json")
EXPORTS = "exports"
_OURS = (AGENT, EPISODES, EXPLANATIONS, FRAMES, EXPORTS, RUN_FILE, *REPORT_FILES)


@dataclass(frozen=True)
class Part:
    """One stored part of a run.

    Args:
        name: `episodes`, `explanations/<method>`, …; also the path of its files.
        sha256: Of its files.
        used: What it cost.
        seconds: How long it took.
        facts: What else a resumed run needs to know of it, plain JSON.
    """

    name: str
    sha256: str
    used: Cost
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class RunFolder:
    """A run folder that this process has locked.

    Args:
        path: The folder.
        head: What is fixed when the run starts: id, time, command, inputs.
        parts: The parts that are done, by name.
        state: `started`, `finished`, `interrupted`, `stopped: <why>` or `failed: <why>`.
        seconds: Wall time of all sessions that worked on it.
    """

    path: Path
    head: Mapping[str, Any]
    parts: dict[str, Part]
    state: str = "started"
    seconds: float = 0.0

    @property
    def run_id(self) -> str:
        """Time of the start and eight hex digits of the inputs."""
        return str(self.head["run_id"])

    def finish_part(
        self,
        name: str,
        used: Cost,
        seconds: float,
        facts: Mapping[str, Any] | None = None,
    ) -> Part:
        """List a part as done; its files must be complete."""
        part = Part(name, part_sha256(self.path, name), used, seconds, dict(facts or {}))
        self.parts[name] = part
        self.write()
        return part

    def part(self, name: str) -> Part | None:
        """Return a part if it is done.

        Raises:
            DataError: Its files are not those that were stored.
        """
        part = self.parts.get(name)
        if part is not None:
            check_part(self.path, part)
        return part

    def set_state(self, state: str) -> None:
        """Store what became of the run."""
        self.state = state
        self.write()

    def write(self) -> None:
        """Write `run.json`."""
        document = {
            **self.head,
            "state": self.state,
            "seconds": self.seconds,
            "pid": os.getpid(),
            "parts": {name: _part_document(part) for name, part in self.parts.items()},
        }
        atomic.write_text(self.path / RUN_FILE, strict_json.dumps(document, indent=1) + "\n")

    def close(self) -> None:
        """Give the lock back."""
        release_lock(self.path / LOCK_FILE)


# --- opening ---


def open_run(folder: Path, head: Mapping[str, Any], *, fresh: bool = False) -> RunFolder:
    """Lock a run folder and start a run in it, or take up the one that is there.

    Args:
        folder: Made if it is not there.
        head: Of a new run: `run_id`, `time`, `command` and `inputs`; one that is taken up keeps
            its own.
        fresh: Start again, whatever is stored.

    Raises:
        InputError: It holds something else, a run with other inputs, or another process works
            on it.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RUN_FILE).exists():
        held = {p.name for p in folder.iterdir()} - {LOCK_FILE}
        if held:
            raise InputError(
                f"expected an empty folder or one of an earlier run, got {folder} which holds "
                f"{sorted(held)[0]!r}",
                hint="choose another --out",
            )
    folder.mkdir(parents=True, exist_ok=True)
    take_lock(folder / LOCK_FILE, on=folder)
    try:
        return _take_up(folder, head, fresh=fresh)
    except BaseException:
        release_lock(folder / LOCK_FILE)
        raise


def read_run(folder: Path) -> RunFolder:
    """Read a run folder without locking it.

    Raises:
        InputError: It is no run folder.
        DataError: Its `run.json` is damaged or from a newer version.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise InputError(
            f"expected a run folder with {RUN_FILE}, got {folder}",
            hint="give the folder that pellucid explain wrote",
        )
    document = strict_json.read(path, max_bytes=MAX_RUN_BYTES)
    check_stamp(document, newest=SCHEMA, where=str(path))
    return _from_document(folder, document)


def check_writable(folder: Path) -> None:
    """Check that files can be written in a folder, or that it can be made; leaves nothing behind.

    Raises:
        InputError: They cannot.
    """
    place = folder
    while not place.exists() and not place.is_symlink() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise InputError(f"expected a folder for --out, got {place} which is none")
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"pellucid")
    except OSError as error:
        raise InputError(
            f"cannot write in {place}: {error.strerror}", hint="choose another --out"
        ) from error


def inputs_sha256(inputs: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything that decides the results."""
    return hashlib.sha256(strict_json.dumps(dict(inputs)).encode()).hexdigest()


def part_sha256(folder: Path, name: str) -> str:
    """Return the SHA-256 of a part's files: its folder, or `<name>.json` and what goes with it."""
    path = folder / name
    if path.is_dir():
        return sha256_tree(path)
    digest = hashlib.sha256()
    for suffix in (".json", ".safetensors"):
        file = path.with_name(path.name + suffix)
        if file.is_file():
            digest.update(f"{suffix} {sha256_file(file)}\n".encode())
    return digest.hexdigest()


def check_part(folder: Path, part: Part) -> None:
    """Check that a part's files are those that were stored.

    Raises:
        DataError: They are not.
    """
    if part_sha256(folder, part.name) != part.sha256:
        raise DataError(
            f"{folder / part.name} is not what the run stored",
            hint="it was changed or damaged; start again with --fresh",
        )


def changed_inputs(stored: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return the names of the inputs that differ, sorted."""
    # through JSON, in which the stored ones were written: tuples are lists there
    given = strict_json.loads(strict_json.dumps(dict(given)))
    names = stored.keys() | given.keys()
    return sorted(name for name in names if stored.get(name) != given.get(name))


def _take_up(folder: Path, head: Mapping[str, Any], *, fresh: bool) -> RunFolder:
    if not fresh and (folder / RUN_FILE).exists():
        run = read_run(folder)
        changed = changed_inputs(run.head["inputs"], head["inputs"])
        if not changed:
            if run.state != "finished":
                run.set_state("started")
            return run
        if run.parts:
            stored, given = run.head["inputs"], head["inputs"]
            what = "; ".join(f"{n} was {stored.get(n)}, is {given.get(n)}" for n in changed)
            raise InputError(
                f"{folder} holds a run with other inputs: {what}",
                hint="choose another --out, or start again with --fresh",
            )
    _clear(folder)
    started = RunFolder(folder, _full_head(head), {})
    started.write()
    return started


def _full_head(head: Mapping[str, Any]) -> dict[str, Any]:
    inputs = strict_json.loads(strict_json.dumps(dict(head["inputs"])))
    return {
        **stamp(SCHEMA),
        **head,
        "inputs": inputs,
        "inputs_sha256": inputs_sha256(inputs),
    }


def _clear(folder: Path) -> None:
    # run.json goes first: without it, nothing that is left counts as stored
    for name in (RUN_FILE, *_OURS):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# --- run.json ---


def _part_document(part: Part) -> dict[str, Any]:
    used = part.used
    return {
        "sha256": part.sha256,
        "used": {
            "queries": used.queries,
            "env_steps": used.env_steps,
            "gradient_steps": used.gradient_steps,
        },
        "seconds": part.seconds,
        "facts": dict(part.facts),
    }


def _from_document(folder: Path, document: Mapping[str, Any]) -> RunFolder:
    own = ("state", "seconds", "pid", "parts")
    try:
        parts = {
            name: Part(name, p["sha256"], _cost(p["used"]), float(p["seconds"]), dict(p["facts"]))
            for name, p in document["parts"].items()
        }
        head = {key: value for key, value in document.items() if key not in own}
        run = RunFolder(folder, head, parts, str(document["state"]), float(document["seconds"]))
        _check_head(run)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{folder / RUN_FILE} is damaged: {type(error).__name__} {error}",
            hint="start again with --fresh",
        ) from error
    return run


def _cost(used: Mapping[str, Any]) -> Cost:
    # what a part used is taken off the budget: a negative number would add to it
    if not all(type(number) is int and number >= 0 for number in used.values()):
        raise ValueError("what a part used must be whole numbers from 0")
    return Cost(**used)


def _check_head(run: RunFolder) -> None:
    if run.head["inputs_sha256"] != inputs_sha256(run.head["inputs"]):
        raise ValueError("its inputs do not match their hash")
    if not all(isinstance(run.head[name], str) for name in ("run_id", "time", "command")):
        raise TypeError("run_id, time and command must be text")
    methods, options = run.head["inputs"]["methods"], run.head["inputs"]["options"]
    if not isinstance(methods, list) or not all(isinstance(name, str) for name in methods):
        raise TypeError("methods must be a list of names")
    if not isinstance(options, dict):
        raise TypeError("options must be named")
    for name in run.parts:
        # names become paths; a run folder from elsewhere must not make us read outside it
        if not all(piece and piece not in (".", "..") for piece in name.split("/")):
            raise ValueError(f"part {name!r} is no path inside the folder")
