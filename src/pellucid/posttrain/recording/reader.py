"""Reads the record of a run, finished or still being written."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pellucid.errors import DataError, InputError
from pellucid.io import records, strict_json
from pellucid.posttrain.recording.documents import row_from
from pellucid.posttrain.recording.layout import (
    EVALUATIONS_FILE,
    KIND,
    MAX_RUN_BYTES,
    RUN_FILE,
    SAMPLES_FILE,
    SCHEMA,
    TOKENS_FILE,
    UPDATES_FILE,
)
from pellucid.posttrain.recording.rows import (
    EvaluationRow,
    RunHead,
    RunRecord,
    SampleRow,
    State,
    TokenRow,
    UpdateRow,
)

_STATES: tuple[State, ...] = ("running", "finished", "interrupted", "stopped", "failed")

Row = TypeVar("Row", SampleRow, TokenRow, EvaluationRow)


def is_training_run(folder: Path) -> bool:
    """Whether a folder holds the record of a training run, as opposed to another run's."""
    try:
        document = strict_json.read(folder / RUN_FILE, max_bytes=MAX_RUN_BYTES)
    except DataError:
        return False
    return isinstance(document, Mapping) and document.get("kind") == KIND


class Status(NamedTuple):
    """The content of `run.json`.

    Args:
        head: What was fixed at the start.
        state: What became of the run.
        diagnosis: Why it stopped, if it did so by itself.
        seconds: Wall time of all sessions.
    """

    head: RunHead
    state: State
    diagnosis: str
    seconds: float


def read_head(folder: Path) -> Status:
    """Return the head of a run and its state.

    Raises:
        InputError: The folder is no training run.
        DataError: Its `run.json` is damaged or of a newer version.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise InputError(
            f"expected the folder of a training run with {RUN_FILE}, got {folder}",
            hint="give the folder that pellucid train wrote",
        )
    document = strict_json.read(path, max_bytes=MAX_RUN_BYTES)
    records.check_stamp(document, newest=SCHEMA, where=str(path))
    if document.get("kind") != KIND:
        raise InputError(f"{folder} holds no training run", hint="see pellucid explain --help")
    state, diagnosis = document.get("state"), document.get("diagnosis", "")
    if state not in _STATES or not isinstance(diagnosis, str):
        raise DataError(f"{path}: unknown state {state!r:.80}")
    try:
        seconds = strict_json.finite_or_text(document.get("seconds"))
    except ValueError as error:
        raise DataError(f"{path}: seconds: {error}") from None
    head = row_from(RunHead, document.get("head"), where=str(path))
    return Status(head, state, diagnosis, seconds)


def read_run(folder: Path) -> RunRecord:
    """Return the record of a run; one that is being written is read up to its last whole step.

    Raises:
        InputError: The folder is no training run.
        DataError: A file is damaged (not merely cut off at its end) or of a newer version.
    """
    status = read_head(folder)
    notes: list[str] = []
    # updates first: they are written last, so that every step read here has its other rows
    path = folder / UPDATES_FILE
    found = _stored(path, notes)
    updates = tuple(row_from(UpdateRow, record, where=str(path)) for record in found)
    done = {row.step for row in updates}
    samples = [row for row in _rows(SampleRow, folder / SAMPLES_FILE, notes) if row.step in done]
    tokens = [row for row in _rows(TokenRow, folder / TOKENS_FILE, notes) if row.step in done]
    evaluations = _rows(EvaluationRow, folder / EVALUATIONS_FILE, notes)
    return RunRecord(
        status.head,
        status.state,
        status.diagnosis,
        status.seconds,
        updates,
        tuple(samples),
        tuple(tokens),
        tuple(evaluations),
        tuple(notes),
    )


def read_rows(path: Path) -> tuple[list[Any], list[str]]:
    """Return the whole records of a file, and a note if its end was cut off."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", records.TornTailWarning)
        found = records.read_records(path)
    return found, [str(warning.message) for warning in caught]


def _stored(path: Path, notes: list[str]) -> list[Any]:
    if not path.exists() or path.stat().st_size == 0:
        return []
    found, torn = read_rows(path)
    notes += torn
    return found


def _rows(cls: type[Row], path: Path, notes: list[str]) -> list[Row]:
    rows: list[Row] = []
    for record in _stored(path, notes):
        listed = record.get("rows") if isinstance(record, Mapping) else None
        if not isinstance(listed, list):
            raise DataError(f"{path} holds a record without rows")
        rows += [row_from(cls, document, where=str(path)) for document in listed]
    return rows
