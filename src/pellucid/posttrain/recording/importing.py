"""Opens the record of a run, whoever wrote it."""

from pathlib import Path

from pellucid.errors import InputError
from pellucid.posttrain.recording.keeping import KeepLimits
from pellucid.posttrain.recording.layout import RUN_FILE
from pellucid.posttrain.recording.prompt_files import import_jsonl
from pellucid.posttrain.recording.reader import is_training_run, read_run
from pellucid.posttrain.recording.rows import RunRecord
from pellucid.posttrain.recording.trl_folder import import_trl_folder, is_trl_folder


def is_record(path: Path) -> bool:
    """Whether `open_record` can be expected to take a path: what it holds looks like a record."""
    if path.is_dir():
        return is_training_run(path) or is_trl_folder(path)
    return path.suffix.lower() in (".jsonl", ".ndjson") and path.is_file()


def open_record(path: Path, *, limits: KeepLimits | None = None) -> RunRecord:
    """Return the record of a training run of a language model.

    Args:
        path: A run folder of pellucid's, the output folder of a TRL trainer, or a JSONL file.
        limits: How many completions of an imported one are kept.

    Raises:
        InputError: It is none of these.
        DataError: It is damaged.
    """
    if path.is_dir():
        if (path / RUN_FILE).is_file():
            return read_run(path)
        return import_trl_folder(path, limits=limits)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return import_jsonl(path, limits=limits)
    raise InputError(
        f"expected a run folder, an output folder of TRL or a .jsonl file, got {path}",
        hint="see docs/training.md for what each must hold",
    )
