"""Reads the output folder of a TRL trainer that logged its completions.

TRL writes `completions/completions_<step>.parquet` (with `log_completions=True`): the step, the
prompts, the completions, one column per reward function, further columns that reward functions
logged, and the advantage. Metrics of each step are in `checkpoint-<step>/trainer_state.json`.

Nothing else in the folder is opened: `training_args.bin` is a pickle.
"""

import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as parquet

from pellucid.errors import DataError, InputError
from pellucid.io import strict_json
from pellucid.io.files import read_bytes
from pellucid.posttrain.recording.keeping import KeepLimits
from pellucid.posttrain.recording.messages import message_text
from pellucid.posttrain.recording.rows import RunHead, RunRecord, SampleRow, UpdateRow
from pellucid.posttrain.recording.thinning import prompt_name, thinned, update_of

COMPLETIONS, STATE_FILE = "completions", "trainer_state.json"
MAX_FILE_BYTES = 1024**3
"""Of one file of completions, unpacked."""
_FILE = re.compile(r"completions_(\d+)\.parquet")
_OWN = ("step", "prompt", "completion", "advantage")
_GOLD = ("answer", "gold", "solution", "ground_truth", "target")
_PARSED = ("parsed", "parsed_answer", "extracted", "extracted_answer")
_ABSENT = {
    "tokens": "TRL logs no numbers per token",
    "evaluations": "TRL logs no held-out completions beside those it trains on",
}


def is_trl_folder(folder: Path) -> bool:
    """Whether a folder holds completions that TRL logged."""
    return bool(_files(folder))


def import_trl_folder(folder: Path, *, limits: KeepLimits | None = None) -> RunRecord:
    """Return the record of a TRL run as far as its folder tells.

    Args:
        folder: The trainer's `output_dir`.
        limits: How many completions are kept.

    Raises:
        InputError: It holds no logged completions.
        DataError: A file is damaged or lacks a column.
    """
    files = _files(folder)
    if not files:
        raise InputError(
            f"expected {COMPLETIONS}/completions_<step>.parquet in {folder}, found none",
            hint="train with GRPOConfig(log_completions=True)",
        )
    metrics = _metrics(folder)
    names = _reward_names(metrics.values())
    samples: dict[int, list[SampleRow]] = {}
    notes, last = [], None
    for step, path in files:
        rows = _samples(step, path, names)
        content = [replace(row, step=0) for row in rows]
        if content == last:  # logged again before new completions were drawn
            notes.append(f"{path.name} repeats the completions of the file before it")
            continue
        samples[step], last = rows, content
    updates = [_update(step, rows, metrics.get(step, {})) for step, rows in samples.items()]
    kept, note = thinned(samples, (limits or KeepLimits()).samples)
    head = RunHead(
        run_id=folder.resolve().name,
        engine="trl (imported)",
        absent=_ABSENT,
        kept={"note": note or "all"},
    )
    return RunRecord(
        head,
        "finished",
        updates=tuple(updates),
        samples=tuple(kept),
        warnings=tuple(notes[:20] + ([note] if note else [])),
    )


# --- completions ---


def _files(folder: Path) -> list[tuple[int, Path]]:
    place = folder / COMPLETIONS
    if not place.is_dir():
        return []
    found = [(_FILE.fullmatch(path.name), path) for path in place.iterdir()]
    return sorted((int(match[1]), path) for match, path in found if match)


def _samples(step: int, path: Path, reward_names: Sequence[str]) -> list[SampleRow]:
    table = _table(path)
    for column in ("prompt", "completion"):
        if column not in table.column_names:
            raise DataError(
                f"{path} has no column {column!r}; it has {', '.join(table.column_names)[:200]}",
                hint="give a folder in which TRL logged its completions",
            )
    rewards = [n for n in reward_names if n in table.column_names] or _number_columns(table)
    gold = next((name for name in _GOLD if name in table.column_names), None)
    parsed = next((name for name in _PARSED if name in table.column_names), None)
    rows = []
    for index, cells in enumerate(table.to_pylist()):
        where = f"{path}, row {index + 1}"
        prompt, completion = (
            _message(cells[name], where, name) for name in ("prompt", "completion")
        )
        rows.append(
            SampleRow(
                step,
                index,
                prompt_name(prompt),
                prompt,
                completion,
                rewards={name: _number(cells[name], where, name) for name in rewards},
                advantage=_number(cells.get("advantage"), where, "advantage"),
                gold=_words(cells[gold]) if gold else None,
                parsed=_words(cells[parsed]) if parsed else None,
            )
        )
    return rows


def _table(path: Path) -> Any:
    content = read_bytes(path)
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        groups = range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(i).total_byte_size for i in groups)
        if size > MAX_FILE_BYTES:
            raise DataError(f"{path} unpacks to {size} bytes; at most {MAX_FILE_BYTES} are read")
        return file.read()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is not a sound Parquet file: {reason}") from None


def _number_columns(table: Any) -> list[str]:
    return [
        field.name
        for field in table.schema
        if field.name not in _OWN
        and (pyarrow.types.is_floating(field.type) or pyarrow.types.is_integer(field.type))
    ]


def _message(value: Any, where: str, column: str) -> str:
    try:
        return message_text(value)
    except ValueError as error:
        raise DataError(f"{where}, column {column!r}: {error}") from None


def _number(value: Any, where: str, column: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{where}, column {column!r}: expected a number, got {value!r:.80}")
    return float(value)


def _words(value: Any) -> str | None:
    return None if value is None else str(value)


# --- metrics ---


def _metrics(folder: Path) -> dict[int, dict[str, float]]:
    """Return the logged numbers of each step, from the newest state of the trainer."""
    found = [
        (int(path.parent.name.partition("-")[2]), path)
        for path in folder.glob(f"checkpoint-*/{STATE_FILE}")
        if path.parent.name.partition("-")[2].isdecimal()
    ]
    path = max(found)[1] if found else folder / STATE_FILE
    if not path.is_file():
        return {}
    content = read_bytes(path, max_bytes=strict_json.MAX_DOCUMENT_BYTES)
    state = strict_json.loads(content, where=str(path), non_finite_literals=True)
    history = state.get("log_history") if isinstance(state, Mapping) else None
    if not isinstance(history, list):
        raise DataError(f"{path} has no log_history")
    metrics: dict[int, dict[str, float]] = {}
    for entry in history:
        if isinstance(entry, Mapping) and type(entry.get("step")) is int:
            numbers = {k: float(v) for k, v in entry.items() if type(v) in (int, float)}
            metrics.setdefault(entry["step"], {}).update(numbers)
    return metrics


def _reward_names(metrics: Iterable[Mapping[str, float]]) -> list[str]:
    found = (re.fullmatch(r"rewards/(.+)/mean", key) for entry in metrics for key in entry)
    return list(dict.fromkeys(match[1] for match in found if match))


def _update(step: int, samples: Sequence[SampleRow], metrics: Mapping[str, float]) -> UpdateRow:
    row = update_of(step, samples)
    level = metrics.get("frac_reward_zero_std")
    cut = metrics.get("completions/clipped_ratio")
    known = ("step", "epoch")
    return replace(
        row,
        total=metrics.get("reward", row.total),
        n_groups_without_signal=(
            row.n_groups_without_signal if level is None else round(level * row.n_groups)
        ),
        n_cut=row.n_cut if cut is None else round(cut * row.n_samples),
        entropy=metrics.get("entropy", math.nan),
        kl=metrics.get("kl", math.nan),
        clip_fraction=metrics.get("clip_ratio/region_mean", math.nan),
        grad_norm=metrics.get("grad_norm", math.nan),
        loss=metrics.get("loss", math.nan),
        learning_rate=metrics.get("learning_rate", math.nan),
        mean_length=metrics.get("completions/mean_length", row.mean_length),
        seconds=metrics.get("step_time", math.nan),
        extra={key: value for key, value in metrics.items() if key not in known},
    )
