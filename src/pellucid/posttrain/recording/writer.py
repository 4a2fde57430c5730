"""Writes the record of a run while it trains: append-only, checksummed, bounded.

The rows of a step are on disk before its update row, which is what makes the step count; so a kill
loses at most the step in progress, and a reader never sees half of one.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import InputError
from pellucid.io import atomic, records, strict_json
from pellucid.posttrain.recording.documents import row_document
from pellucid.posttrain.recording.keeping import Keeper, KeepLimits, Kept
from pellucid.posttrain.recording.layout import (
    EVALUATIONS_FILE,
    KIND,
    ROW_FILES,
    RUN_FILE,
    SAMPLES_FILE,
    SCHEMA,
    TOKENS_FILE,
    UPDATES_FILE,
)
from pellucid.posttrain.recording.reader import read_head, read_rows
from pellucid.posttrain.recording.rows import (
    EvaluationRow,
    RunHead,
    SampleRow,
    State,
    TokenRow,
    UpdateRow,
)


class RunWriter:
    """Writes one run folder; one process at a time.

    Use `RunWriter.start` or `RunWriter.resume`.

    Args:
        folder: The run folder.
        head: What was fixed at the start.
        limits: How much is kept.
        prompt_ids: Of the whole training set, in its order.

    Attributes:
        seconds: Wall time of all sessions so far; written with the state, and the caller's to keep.
    """

    def __init__(
        self, folder: Path, head: RunHead, limits: KeepLimits, prompt_ids: Sequence[str]
    ) -> None:
        self.folder, self.head, self._limits = folder, head, limits
        self.seconds = 0.0
        self._keeper = Keeper(limits, prompt_ids, n_updates=head.n_updates, seed=head.seed or 0)

    @classmethod
    def start(
        cls,
        folder: Path,
        head: RunHead,
        *,
        prompt_ids: Sequence[str],
        limits: KeepLimits | None = None,
    ) -> "RunWriter":
        """Start a record; what the folder holds of an earlier one is removed.

        Args:
            folder: Made if it is not there.
            head: What is fixed; `kept` is filled in.
            prompt_ids: Of the whole training set, in its order; the fixed prompts are drawn now.
            limits: How much is kept.

        Raises:
            OSError: The folder cannot be written.
        """
        writer = cls(folder, head, limits or KeepLimits(), prompt_ids)
        writer.head = dataclasses.replace(head, kept=writer._keeper.describe())
        folder.mkdir(parents=True, exist_ok=True)
        # run.json goes first: without it, nothing that is left counts as stored
        for name in (RUN_FILE, *ROW_FILES):
            (folder / name).unlink(missing_ok=True)
        writer.set_state("running")
        return writer

    @classmethod
    def resume(cls, folder: Path, *, step: int, prompt_ids: Sequence[str]) -> "RunWriter":
        """Take up the record of a run that goes on after a step; later rows are removed.

        Args:
            folder: A run folder.
            step: Updates that the checkpoint has behind it; 0 starts the rows again.
            prompt_ids: As given to `start`.

        Raises:
            DataError: The record is damaged or of a newer version.
        """
        state = read_head(folder)
        head = state.head
        names = {field.name for field in dataclasses.fields(KeepLimits)}
        limits = KeepLimits(**{key: head.kept[key] for key in names & head.kept.keys()})
        writer = cls(folder, head, limits, prompt_ids)
        writer.seconds = state.seconds
        writer.rewind(step)
        writer.set_state("running")
        return writer

    def choose(self, step: int, prompt_ids: Sequence[str]) -> Kept:
        """Return which rows of a step's batch are to be recorded; see `Keeper.choose`."""
        return self._keeper.choose(step, prompt_ids)

    def record_update(
        self,
        update: UpdateRow,
        samples: Sequence[SampleRow] = (),
        tokens: Sequence[TokenRow] = (),
    ) -> None:
        """Store a step; it counts once this returns.

        Args:
            update: Its row.
            samples: The completions that `choose` asked for.
            tokens: The tokens that it asked for.

        Raises:
            OSError: The disk is full or the folder is gone; earlier steps stay readable.
        """
        self._append(TOKENS_FILE, update.step, tokens)
        self._append(SAMPLES_FILE, update.step, [self._shortened(sample) for sample in samples])
        records.append(self.folder / UPDATES_FILE, row_document(update))

    def record_evaluation(self, rows: Sequence[EvaluationRow]) -> None:
        """Store one evaluation, whole or not at all.

        Raises:
            OSError: As for `record_update`.
        """
        most = self._limits.completions_per_example
        kept = [
            dataclasses.replace(
                row,
                completions=tuple(self._cut(text) for text in row.completions[:most]),
                parsed=row.parsed[:most],
            )
            for row in rows
        ]
        if kept:
            self._append(EVALUATIONS_FILE, kept[0].step, kept)

    def set_state(self, state: State, diagnosis: str = "") -> None:
        """Store what became of the run.

        Args:
            state: Its state.
            diagnosis: Why it stopped, in one sentence.
        """
        document = {
            **records.stamp(SCHEMA),
            "kind": KIND,
            "state": state,
            "diagnosis": diagnosis,
            "seconds": self.seconds,
            "head": row_document(self.head),
        }
        atomic.write_text(self.folder / RUN_FILE, strict_json.dumps(document, indent=1) + "\n")

    def rewind(self, step: int) -> None:
        """Remove what was recorded after a step, which the run is about to do again.

        Raises:
            DataError: The record is damaged.
        """
        for name in ROW_FILES:
            path = self.folder / name
            if not path.exists():
                continue
            stored, _ = read_rows(path)
            kept = [record for record in stored if _step_of(record, path) <= step]
            records.write_records(path, kept)

    # --- inside ---

    def _append(self, name: str, step: int, rows: Sequence[Any]) -> None:
        if rows:
            document = {"step": step, "rows": [row_document(row) for row in rows]}
            # the update row, which makes them count, is synced
            records.append(self.folder / name, document, sync=name == EVALUATIONS_FILE)

    def _shortened(self, sample: SampleRow) -> SampleRow:
        text = sample.completion
        cut = self._cut(text)
        length = len(text) if cut != text else sample.n_characters
        scored = sample.scored_prompt
        return dataclasses.replace(
            sample,
            prompt=self._cut(sample.prompt),
            scored_prompt=None if scored is None else self._cut(scored),
            completion=cut,
            n_characters=length,
        )

    def _cut(self, text: str) -> str:
        return storable(text[: self._limits.characters])


def storable(text: str) -> str:
    """Return text without lone surrogates, which no file of text can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _step_of(record: Any, path: Path) -> int:
    step = record.get("step") if isinstance(record, Mapping) else None
    if type(step) is not int:
        raise InputError(f"{path} holds a record without a step", hint="start again with --fresh")
    return step
