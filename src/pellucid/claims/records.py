"""What a run of a claim leaves behind: one append-only, checksummed file per claim and scale.

The first record says what was run and from which code, then comes one record per cell, then the
result. While the claim runs, each cell is added to a file called `….part` as it ends; the same
command goes on with it. The finished record holds the cells in a fixed order, so that its bytes do
not depend on which cell ended first. It is re-run, never edited.

One process at a time works on a record: it holds the lock beside it.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

from pellucid.claims.cells import NO_ARM, Measured
from pellucid.claims.claim import SCALES, Scale
from pellucid.claims.judging import Judgement, Verdict
from pellucid.errors import DataError
from pellucid.io import records
from pellucid.io.documents import newer_version
from pellucid.io.locks import release_lock, take_lock
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

    @property
    def keys(self) -> list[tuple[str, int]]:
        """Arm and seed of every cell, in order; one for all cases of an exact claim."""
        # a seed's arms follow each other, so that an interrupted run holds whole pairs
        return [(arm, seed) for seed in self.seeds for arm in self.arms] or [(NO_ARM, 0)]


@dataclass(frozen=True)
class Record:
    """A finished record.

    Args:
        start: What was run.
        cells: What each cell measured, by arm and seed; NaN where it measured nothing.
        judgement: The verdict and its numbers.
        seconds: Time spent in cells.
        path: Its file.
        reasons: Why a cell measured nothing, by arm and seed.
    """

    start: Start
    cells: Mapping[tuple[str, int], float]
    judgement: Judgement
    seconds: float
    path: Path
    reasons: Mapping[tuple[str, int], str] = field(default_factory=dict)

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
    values = {key: cell.value for key, cell in cells.items()}
    reasons = {key: cell.reason for key, cell in cells.items() if cell.reason}
    return Record(start, values, judgement, seconds, path, reasons)


def read_folder(folder: Path) -> list[Record]:
    """Return every finished record of a folder, sorted by file name; empty if there is none.

    Raises:
        DataError: One of them cannot be read.
    """
    return [read_record(path) for path in sorted(folder.glob("*.jsonl"))]


class CellFile:
    """The unfinished record of one run, to which each cell is added as it ends.

    It is a context manager, which holds the record's lock.

    Args:
        path: Where the finished record goes; the unfinished one lies beside it.
        start: What is run. Cells that an earlier run of exactly this left are taken over.

    Raises:
        InputError: Another process works on this record.
        DataError: An unfinished record is damaged.
        OSError: The folder cannot be written.
    """

    def __init__(self, path: Path, start: Start) -> None:
        self.path = path
        self.start = start
        self.unfinished = path.with_name(f"{path.name}.part")
        self.cells: dict[tuple[str, int], Measured] = {}
        self._lock = path.with_name(f"{path.name}.lock")

    def __enter__(self) -> "CellFile":
        """Take the lock and what an earlier run left."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        take_lock(self._lock, on=self.path)
        try:
            self._take_over()
        except BaseException:
            release_lock(self._lock)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back."""
        release_lock(self._lock)

    def add(self, arm: str, seed: int, measured: Measured) -> None:
        """Add a cell and return once it is on disk.

        Args:
            arm: Its arm.
            seed: Its seed, with the offset added.
            measured: What came out of it.

        Raises:
            OSError: The folder is gone or full.
        """
        if not self.unfinished.exists():  # never begin a file anew that has lost its first cells
            raise FileNotFoundError(2, "the unfinished record is gone", str(self.unfinished))
        records.append(self.unfinished, _cell((arm, seed), measured))
        self.cells[arm, seed] = measured

    def finish(self, judgement: Judgement, seconds: float) -> Record:
        """Write the finished record in the place of an earlier one."""
        cells = [_cell(key, self.cells[key]) for key in self.start.keys if key in self.cells]
        result = {"kind": "result", **asdict(judgement), "seconds": seconds}
        records.write_records(self.path, [_first(self.start), *cells, result])
        self.unfinished.unlink(missing_ok=True)
        return read_record(self.path)

    def give_up(self) -> None:
        """Leave nothing behind if no cell was stored."""
        if not self.cells:
            self.unfinished.unlink(missing_ok=True)

    def _take_over(self) -> None:
        # an empty file is what a kill leaves between making it and the first record
        if self.unfinished.exists() and self.unfinished.stat().st_size > 0:
            found, cells, _ = _parts(self.unfinished)
            if found == self.start:
                self.cells = cells
                return
            self.unfinished.unlink()  # other code, seeds or versions: these cells do not mix
        records.append(self.unfinished, _first(self.start))


_Parts = tuple[Start | None, dict[tuple[str, int], Measured], dict[str, Any] | None]


def _first(start: Start) -> dict[str, Any]:
    return {"kind": "start", **asdict(start)}


def _cell(key: tuple[str, int], measured: Measured) -> dict[str, Any]:
    arm, seed = key
    cell = {"kind": "cell", "arm": arm, "seed": seed, "value": measured.value}
    if measured.reason:
        cell["reason"] = measured.reason
    if measured.cases is not None:
        cell["cases"] = dict(measured.cases)
    return {**cell, "seconds": measured.seconds}


def _parts(path: Path) -> _Parts:
    start: Start | None = None
    result: dict[str, Any] | None = None
    cells: dict[tuple[str, int], Measured] = {}
    try:
        for record in records.read_records(path):
            kind = record["kind"]
            if kind == "start" and start is None:
                start = _start(record, path)
            elif kind == "cell":
                key = (_text(record["arm"]), _whole(record["seed"]))
                cells.setdefault(key, _measured(record))
            elif kind == "result" and result is None:
                result = record
            else:
                raise ValueError(f"unexpected record {kind!r}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _foreign(path, error) from None
    return start, cells, result


def _measured(record: Mapping[str, Any]) -> Measured:
    value = finite_or_text(record["value"])
    cases = record.get("cases")
    if cases is not None:
        cases = {_text(name): bool(_held(holds)) for name, holds in cases.items()}
    # records of earlier versions have no reasons
    reason = _text(record.get("reason", "not known")) if math.isnan(value) else ""
    return Measured(value, finite_or_text(record["seconds"]), reason, cases)


def _start(record: Mapping[str, Any], path: Path) -> Start:
    layout = _whole(record["layout"])
    if layout > LAYOUT:
        raise newer_version(str(path), record["versions"].get("pellucid"))
    if layout != LAYOUT:
        raise ValueError(f"expected layout {LAYOUT}, got {layout}")
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
