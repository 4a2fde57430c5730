"""What a run of a claim leaves behind: one append-only, checksummed file per claim and scale.

The first record says what was run and from which code, then one record per cell as it ends, then
the result. Until the result is there the file is called `….part`; the same command goes on with it.
A finished record is re-run, never edited.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from pellucid.claims.claim import SCALES, Scale
from pellucid.claims.judging import Judgement, Verdict
from pellucid.errors import DataError
from pellucid.io import records
from pellucid.io.strict_json import finite_or_text

LAYOUT = 1
DEFAULT_FOLDER = Path("results") / "claims"
"""Where records are kept, under the working directory."""


@dataclass(frozen=True)
class Start:
    """What is run; cells of two runs mix only if all of it is equal.

    Args:
        claim: The claim's id.
        scale: Its scale.
        seed_offset: What is added to every seed.
        seeds: The seeds with the offset added; empty for exact claims.
        arms: Names of the arms; empty for exact claims.
        code: `staleness.code_hash` of the claim's module.
        versions: Versions of Python, pellucid and what it runs on.
        layout: Number of this layout.
    """

    claim: str
    scale: Scale
    seed_offset: int
    seeds: tuple[int, ...]
    arms: tuple[str, ...]
    code: str
    versions: Mapping[str, str]
    layout: int = LAYOUT


@dataclass(frozen=True)
class Record:
    """A finished record.

    Args:
        start: What was run.
        cells: What each cell measured, by arm and seed; NaN where it measured nothing.
        judgement: The verdict and its numbers.
        seconds: Time spent in cells.
        path: Its file.
    """

    start: Start
    cells: Mapping[tuple[str, int], float]
    judgement: Judgement
    seconds: float
    path: Path

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def path_of(folder: Path, claim: str, scale: Scale, seed_offset: int) -> Path:
    """Return the file of a record."""
    offset = f".offset-{seed_offset}" if seed_offset else ""
    return folder / f"{claim}.{scale}{offset}.jsonl"


def read_record(path: Path) -> Record:
    """Return a finished record.

    Raises:
        DataError: It is missing, damaged, unfinished, from a newer version, or not a record.
    """
    start, cells, result = _parts(path)
    if start is None or result is None:
        raise DataError(f"{path} holds no finished record", hint="run the claim again")
    try:
        judgement = Judgement(
            verdict=Verdict(result["verdict"]),
            effect=finite_or_text(result["effect"]),
            low=finite_or_text(result["low"]),
            high=finite_or_text(result["high"]),
            n=_whole(result["n"]),
            n_unscored=_whole(result["n_unscored"]),
            checks={_text(name): _held(held) for name, held in result["checks"].items()},
            reason=_text(result["reason"]),
        )
        seconds = finite_or_text(result["seconds"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _foreign(path, error) from None
    values = {key: value for key, (value, _) in cells.items()}
    return Record(start, values, judgement, seconds, path)


def read_folder(folder: Path) -> list[Record]:
    """Return every finished record of a folder, sorted by file name; empty if there is none.

    Raises:
        DataError: One of them cannot be read.
    """
    return [read_record(path) for path in sorted(folder.glob("*.jsonl"))]


class CellFile:
    """The unfinished record of one run, to which each cell is added as it ends.

    Args:
        path: Where the finished record goes; the unfinished one lies beside it.
        start: What is run. Cells that an earlier run of exactly this left are taken over.

    Raises:
        DataError: An unfinished record is damaged.
    """

    def __init__(self, path: Path, start: Start) -> None:
        self.path = path
        self.unfinished = path.with_name(f"{path.name}.part")
        self.cells: dict[tuple[str, int], tuple[float, float]] = {}
        self._judged = False  # killed after the result was stored and before the file was renamed
        path.parent.mkdir(parents=True, exist_ok=True)
        # an empty file is what a kill leaves between making it and the first record
        if self.unfinished.exists() and self.unfinished.stat().st_size > 0:
            found, cells, result = _parts(self.unfinished)
            if found == start:
                self.cells, self._judged = cells, result is not None
                return
            self.unfinished.unlink()  # other code, seeds or versions: these cells do not mix
        records.append(self.unfinished, {"kind": "start", **asdict(start)})

    def add(self, arm: str, seed: int, value: float, seconds: float) -> None:
        """Add a cell and return once it is on disk.

        Args:
            arm: Its arm.
            seed: Its seed, with the offset added.
            value: What it measured.
            seconds: Time that it took.
        """
        cell = {"kind": "cell", "arm": arm, "seed": seed, "value": value, "seconds": seconds}
        records.append(self.unfinished, cell)
        self.cells[arm, seed] = (value, seconds)

    def finish(self, judgement: Judgement, seconds: float) -> Record:
        """Add the result and let the record take the place of an earlier one."""
        if not self._judged:
            result = {"kind": "result", **asdict(judgement), "seconds": seconds}
            records.append(self.unfinished, result)
        self.unfinished.replace(self.path)
        return read_record(self.path)


_Parts = tuple[Start | None, dict[tuple[str, int], tuple[float, float]], dict[str, Any] | None]


def _parts(path: Path) -> _Parts:
    start: Start | None = None
    result: dict[str, Any] | None = None
    cells: dict[tuple[str, int], tuple[float, float]] = {}
    try:
        for record in records.read_records(path):
            kind = record["kind"]
            if kind == "start" and start is None:
                start = _start(record)
            elif kind == "cell":
                value = finite_or_text(record["value"])
                key = (_text(record["arm"]), _whole(record["seed"]))
                cells.setdefault(key, (value, finite_or_text(record["seconds"])))
            elif kind == "result" and result is None:
                result = record
            else:
                raise ValueError(f"unexpected record {kind!r}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _foreign(path, error) from None
    return start, cells, result


def _start(record: Mapping[str, Any]) -> Start:
    if record["layout"] != LAYOUT:
        raise ValueError(f"expected layout {LAYOUT}, got {record['layout']!r}")
    scale = record["scale"]
    if scale not in get_args(Scale):
        raise ValueError(f"expected a scale of {SCALES}, got {scale!r}")
    return Start(
        claim=_text(record["claim"]),
        scale=scale,
        seed_offset=_whole(record["seed_offset"]),
        seeds=tuple(map(_whole, record["seeds"])),
        arms=tuple(map(_text, record["arms"])),
        code=_text(record["code"]),
        versions={_text(name): _text(value) for name, value in record["versions"].items()},
    )


def _foreign(path: Path, error: Exception) -> DataError:
    what = f"no {error}" if isinstance(error, KeyError) else str(error)
    return DataError(f"{path} is not the record of a claim: {what}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {value!r}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a whole number from 0, got {value!r}")
    return value


def _held(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"expected true, false or null, got {value!r}")
    return value
