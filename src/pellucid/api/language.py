"""Explain the training of a language model from its record: what `pellucid explain RUN` does."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.api.language_reasoning import Reasoning, stated_reasoning
from pellucid.api.run_folder import RUN_FILE, check_writable
from pellucid.errors import InputError
from pellucid.posttrain.recording import RunRecord, is_training_run, is_trl_folder, open_record
from pellucid.provenance import sha256_file, versions
from pellucid.report.language.record import LanguageRecord
from pellucid.report.language.write import write_report

RUNS = Path("runs")
ENDINGS = (".jsonl", ".ndjson")
PELLUCID, TRL, JSONL = "pellucid run", "TRL output folder", "JSONL file"


@dataclass(frozen=True)
class LanguageRun:
    """A finished report on a training run.

    Args:
        folder: Where the report is.
        report: The page for people.
        document: What `report.json` holds; `report` is the path as the user can open it.
    """

    folder: Path
    report: Path
    document: dict[str, Any]


def is_language_source(source: Any) -> bool:
    """Whether what a user names is the record of a training run, and no agent.

    Args:
        source: A path, or anything else that `explain` takes.
    """
    if not isinstance(source, str | Path):
        return False
    try:
        path = Path(source)
        if path.is_dir():
            return is_training_run(path) or is_trl_folder(path)
        return path.suffix.lower() in ENDINGS and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def explain_training(
    source: str | Path,
    *,
    compare: str | Path | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    hash_texts: bool = False,
    reasoning: bool = True,
    answer_marker: str | None = None,
    command: str = "pellucid.explain_training(...)",
) -> LanguageRun:
    """Write the report on a training run.

    Args:
        source: A pellucid run folder, a TRL output folder with logged completions, or a JSONL file
            of prompts, completions and rewards.
        compare: Another one, to stand beside it prompt by prompt.
        out: Folder of the report; by default the run folder itself, and for what others wrote
            `runs/<hash of its name and content>`.
        seed: Seed of the report's own choices, where the run had fixed none.
        hash_texts: Replace prompts, completions, answers and tokens by their hashes.
        reasoning: Ask the model, where the run keeps it, whether its answers depend on its stated
            reasoning.
        answer_marker: What announces the answer in its completions; looked for if not given.
        command: What the report says makes it again.

    Raises:
        InputError: It is no record of a training run, or the seed is negative.
        DataError: The record is damaged.
        OSError: The folder cannot be written.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"the seed must be a whole number, 0 or more, got {seed!r}")
    path = Path(source)
    folder = Path(out) if out is not None else _default_folder(path)
    check_writable(folder)
    run = open_record(path)
    other = None if compare is None else open_record(Path(compare))
    asked = _reasoning(run, path, reasoning, answer_marker, seed)
    record = LanguageRecord(
        run,
        source=str(source),
        source_kind=_kind(path),
        command=command,
        seed=seed,
        explanations=asked.explanations,
        instrument=asked.instrument,
        no_reasoning=asked.missing,
        other=other,
        other_source="" if compare is None else str(compare),
        hashed=hash_texts,
        versions=versions(),
        hashes=_hashes(path),
        warnings=_warnings(run, other),
    )
    report, document = write_report(record, folder)
    return LanguageRun(folder, report, {**document, "report": str(report)})


def _reasoning(
    run: RunRecord, path: Path, wanted: bool, marker: str | None, seed: int
) -> Reasoning:
    if not wanted:
        return Reasoning((), None, ("it was not asked for", "leave out --no-reasoning"))
    if _kind(path) != PELLUCID:
        return Reasoning(
            (), None, ("the source holds no model to ask", "a pellucid run that keeps its model")
        )
    return stated_reasoning(run, path, marker=marker, seed=seed)


def _kind(path: Path) -> str:
    if path.is_dir():
        return PELLUCID if (path / RUN_FILE).is_file() else TRL
    return JSONL


def _default_folder(path: Path) -> Path:
    if path.is_dir() and (path / RUN_FILE).is_file():
        return path
    name = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return RUNS / f"{path.stem or 'run'}-{name}"


def _hashes(path: Path) -> dict[str, str]:
    return {path.name: sha256_file(path)} if path.is_file() else {}


def _warnings(run: RunRecord, other: RunRecord | None) -> tuple[str, ...]:
    if other is None:
        return ()
    shared = {s.prompt_id for s in run.samples} & {s.prompt_id for s in other.samples}
    if shared:
        return ()
    return ("The two runs share no prompt, so that nothing stands side by side.",)
