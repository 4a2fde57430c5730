"""Reads rows of JSONL, Parquet and `datasets` folders; sizes are bounded and nothing is run."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from pellucid.errors import DataError, InputError
from pellucid.io import strict_json
from pellucid.io.files import read_bytes

MAX_ROWS = 2_000_000
MAX_BYTES = 1024**3
MAX_LINE_BYTES = 16 * 1024**2
_BATCH_ROWS = 1024
_BATCH_BYTES = 64 * 1024**2
Row = tuple[str, dict[str, Any]]
"""Where a row stands, for messages, and its values."""


def read_rows(path: Path, *, split: str | None = None) -> Iterator[Row]:
    """Yield the rows of a data set in their order.

    Args:
        path: A `.jsonl` or `.parquet` file, or a folder: one that `datasets` saved, or one with
            such files, which are read in the order of their names.
        split: Which part of a folder, such as `train`; None if it has only one.

    Raises:
        DataError: A file is damaged, too large or not what its name says; the message has the line
            or the row.
        InputError: Another kind of file, or a split that the folder lacks.
    """
    bounded = _bounded(_folder_rows(path, split) if path.is_dir() else _file_rows(path), path)
    return iter(bounded)


def _file_rows(path: Path) -> Iterator[Row]:
    if not path.exists():
        raise DataError(f"{path} does not exist", hint="check the path")
    readers: dict[str, Callable[[Path], Iterator[Row]]] = {
        ".jsonl": _jsonl_rows,
        ".ndjson": _jsonl_rows,
        ".parquet": _parquet_rows,
        ".arrow": _arrow_rows,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"{path} is no data set that can be read",
            hint="give a .jsonl or .parquet file, or a folder of them",
        )
    return reader(path)


def _bounded(rows: Iterable[Row], path: Path) -> Iterator[Row]:
    for n_before, row in enumerate(rows):
        if n_before >= MAX_ROWS:
            raise DataError(f"{path} has more than {MAX_ROWS} rows, the most that are read")
        yield row


def _jsonl_rows(path: Path) -> Iterator[Row]:
    content = read_bytes(path, max_bytes=MAX_BYTES)
    start, number = 0, 0
    while start < len(content):
        stop = content.find(b"\n", start)
        stop = len(content) if stop < 0 else stop
        number += 1
        where = f"{path}, line {number}"
        if stop - start > MAX_LINE_BYTES:
            raise DataError(f"{where} has {stop - start} bytes, at most {MAX_LINE_BYTES} are read")
        line = content[start:stop].strip()
        start = stop + 1
        if line:
            yield where, _mapping(strict_json.loads(line, where=where), where)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: a row must be an object, got {type(value).__name__}")
    return value


def _parquet_rows(path: Path) -> Iterator[Row]:
    # the file is read once, so that what is checked is what is decoded
    source = pa.BufferReader(read_bytes(path, max_bytes=MAX_BYTES))
    try:
        file = pa.parquet.ParquetFile(source)
        promised = sum(
            file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups)
        )
        if file.metadata.num_rows > MAX_ROWS or promised > MAX_BYTES:
            raise DataError(
                f"{path} unpacks to {file.metadata.num_rows} rows of {promised} bytes together; "
                f"at most {MAX_ROWS} rows and {MAX_BYTES} bytes are read"
            )
        yield from _batch_rows(file.iter_batches(batch_size=_batch_rows_of(file)), path)
    except (pa.ArrowException, OSError) as failure:
        raise DataError(f"{path} is no readable Parquet file: {_one_line(failure)}") from None


def _batch_rows_of(file: pa.parquet.ParquetFile) -> int:
    """Return how many rows may be decoded at once.

    A value that a dictionary holds once may stand in every row: a small file can unpack to more
    than any memory. No value is larger than the pages of its column.
    """
    metadata = file.metadata
    largest = max(
        (
            metadata.row_group(group).column(column).total_uncompressed_size
            for group in range(metadata.num_row_groups)
            for column in range(metadata.num_columns)
        ),
        default=1,
    )
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(largest, 1)))


def _arrow_rows(path: Path) -> Iterator[Row]:
    source = pa.BufferReader(read_bytes(path, max_bytes=MAX_BYTES))
    try:
        yield from _batch_rows(pa.ipc.open_stream(source), path)
    except (pa.ArrowException, OSError) as failure:
        raise DataError(f"{path} is no readable Arrow stream: {_one_line(failure)}") from None


def _batch_rows(batches: Iterable[pa.RecordBatch], path: Path) -> Iterator[Row]:
    n_bytes, n_rows = 0, 0
    for batch in batches:
        # the sizes that a file states may be false: what came out is counted too
        n_bytes += batch.nbytes
        if n_bytes > MAX_BYTES:
            raise DataError(
                f"{path} unpacks to more than {MAX_BYTES} bytes, the most that are read"
            )
        for values in batch.to_pylist():
            n_rows += 1
            yield f"{path}, row {n_rows}", values


def _folder_rows(folder: Path, split: str | None) -> Iterator[Row]:
    if (folder / "dataset_dict.json").is_file():
        document = _mapping(strict_json.read(folder / "dataset_dict.json"), str(folder))
        folder = folder / _choose(list(document.get("splits", [])), split, folder)
    if (folder / "state.json").is_file():
        yield from _saved_rows(folder)
        return
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in (".jsonl", ".parquet") and file.is_file()
    )
    # the hub's layout: data/train-00000-of-00001.parquet, or train.parquet
    names = sorted({file.stem.partition("-")[0] for file in files})
    chosen = _choose(names, split, folder)
    for file in files:
        if file.stem.partition("-")[0] == chosen:
            yield from _file_rows(file)


def _saved_rows(folder: Path) -> Iterator[Row]:
    state = _mapping(strict_json.read(folder / "state.json"), str(folder / "state.json"))
    listed = state.get("_data_files")
    names = [
        entry.get("filename") if isinstance(entry, dict) else None
        for entry in (listed if isinstance(listed, list) else [])
    ]
    if not names:
        raise DataError(f"{folder / 'state.json'} names no data file")
    for name in names:
        # a file of another folder is never opened, whatever the state says
        if not isinstance(name, str) or Path(name).name != name:
            raise DataError(f"{folder / 'state.json'} names {name!r}, which is no file beside it")
        yield from _arrow_rows(folder / name)


def _choose(names: list[Any], split: str | None, folder: Path) -> str:
    plain = [name for name in names if isinstance(name, str) and Path(name).name == name]
    if not plain:
        raise InputError(
            f"{folder} has no data set", hint="it needs .parquet or .jsonl files in it"
        )
    if split is None and len(plain) == 1:
        return plain[0]
    if split not in plain:
        raise InputError(
            f"{folder} has the splits {', '.join(plain)}" + (f", not {split!r}" if split else ""),
            hint="name one with split=…",
        )
    return split


def _one_line(failure: BaseException) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0][:200]
