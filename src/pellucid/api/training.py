"""Train a language model and keep the record of it: what `pellucid train` does."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pellucid.api.run_folder import LOCK_FILE, changed_inputs, check_writable, inputs_sha256
from pellucid.api.stopping import Terminated
from pellucid.api.tracking import (
    TENSORBOARD,
    Tracker,
    TrackerName,
    check_tracker,
    make_tracker,
    tracked_numbers,
)
from pellucid.api.training_chat import through_chat
from pellucid.api.training_config import RunConfig, load_config
from pellucid.api.training_data import Data, load_data
from pellucid.api.training_methods import Prompt, method_prompts, training_config
from pellucid.api.training_models import Policy, describe, make_policy, save_model
from pellucid.api.training_summary import training_document
from pellucid.api.training_trl import (
    LAYOUT,
    TRL_OUTPUT,
    checkpoint_to_resume,
    machine_settings,
    run_in_trl,
    run_settings,
)
from pellucid.errors import InputError
from pellucid.io.locks import release_lock, take_lock
from pellucid.posttrain.native.checkpoints import newest_checkpoint
from pellucid.posttrain.native.diagnosis import TrainingStoppedError
from pellucid.posttrain.native.evaluating import Evaluation
from pellucid.posttrain.native.fingerprint import model_digest
from pellucid.posttrain.native.kept_rows import prompt_id
from pellucid.posttrain.native.training import CHECKPOINTS, train
from pellucid.posttrain.native.transformer import Transformer
from pellucid.posttrain.recording import (
    RunHead,
    RunRecord,
    RunWriter,
    UpdateRow,
    is_training_run,
    read_head,
    read_run,
)
from pellucid.posttrain.recording.layout import ROW_FILES, RUN_FILE
from pellucid.posttrain.recording.reader import Status
from pellucid.provenance import package_version, versions

RUNS = Path("runs")
BASE, TRAINED = "base", "model"
"""Folders of the in-house model before the first update and after the last one."""
_PACKAGES = ("transformers", "trl", "peft", "datasets", "vllm", "accelerate")

Progress = Callable[[str, float], None]
"""Called with what is worked on and the share of it that is done."""


@dataclass(frozen=True)
class TrainedRun:
    """A training run that is stored.

    Args:
        folder: Where everything is.
        record: What was measured.
        document: What `--json` prints.
        reused: It was finished before, and nothing was computed again.
    """

    folder: Path
    record: RunRecord
    document: Mapping[str, Any]
    reused: bool = False


def train_model(
    config: RunConfig | str | Path,
    *,
    out: str | Path | None = None,
    fresh: bool = False,
    track: TrackerName | None = None,
    progress: Progress | None = None,
    command: str = "pellucid.train(...)",
) -> TrainedRun:
    """Train a language model as a configuration says, and keep the record.

    Args:
        config: A YAML file, or what `load_config` read of one.
        out: Run folder; a run that is there goes on where it stopped. By default
            `runs/<time>-<configuration>`.
        fresh: Start again, whatever the folder holds.
        track: `tensorboard`, `wandb` or `trackio`; the record needs none of them.
        progress: Called with what is worked on and the share that is done.
        command: What starts the run again.

    Returns:
        The run. One that found nothing to learn has the state `stopped` and says why.

    Raises:
        InputError: Something that was given cannot be used, before any work if possible.
        KeyboardInterrupt: Ctrl-C; what was done is stored, and the same `out` goes on.
    """
    asked = config if isinstance(config, RunConfig) else load_config(Path(config))
    check_tracker(track)
    check_writable(RUNS if out is None else Path(out))
    folder = default_folder(asked) if out is None else Path(out)
    tell = progress or (lambda part, share: None)
    tell("reading the data", 0.0)
    data = load_data(asked)
    _check(asked, data)
    with _locked(folder):
        earlier = None if fresh else _earlier(folder, asked, data)
        if earlier is not None and earlier.state == "finished":
            return _trained(folder, asked, reused=True)
        if earlier is None:
            _clear(folder)
        tell("making the base model", 0.0)
        policy = make_policy(asked, data, folder / BASE)
        prompts = method_prompts(asked.method, data.task)
        if asked.model.chat:
            data, prompts = through_chat(data, prompts, policy.tokenizer)
        writer = _writer(folder, asked, data, policy, command)
        job = _Job(folder, asked, data, policy, prompts, writer, tell)
        with _tracking(make_tracker(track, folder, asked.document())) as tracker:
            job.run(tracker)
    return _trained(folder, asked)


@dataclass
class _Job:
    """One call of `train_model` on a folder that is locked."""

    folder: Path
    config: RunConfig
    data: Data
    policy: Policy
    prompts: Mapping[str, Prompt]
    writer: RunWriter
    tell: Progress

    def run(self, tracker: Tracker | None) -> None:
        """Make the updates that are missing."""
        started, before = time.perf_counter(), self.writer.seconds
        n_updates = self.config.optimiser.n_updates
        self.tell("asking before training", 0.0)

        def after_update(row: UpdateRow) -> None:
            self.writer.seconds = before + time.perf_counter() - started
            if tracker is not None:
                tracker.log(row.step, tracked_numbers(row))
            self.tell(_status(row, n_updates), row.step / n_updates)

        try:
            if self.config.engine == "trl":
                self._run_in_trl(after_update)
            else:
                self._run_native(after_update)
        except TrainingStoppedError as error:
            self.writer.set_state("stopped", str(error))
            return
        except Terminated:
            self.writer.set_state("interrupted")
            raise
        self.writer.seconds = before + time.perf_counter() - started
        self.writer.set_state("finished")

    def _run_native(self, progress: Callable[[UpdateRow], None]) -> None:
        train(
            self.policy.model,
            self.policy.tokenizer,
            self.data.split.train,
            self.data.rewards,
            training_config(self.config, self.data, self.prompts),
            run_dir=self.folder,
            recorder=self.writer,
            progress=progress,
            evaluation=self._evaluation(),
        )
        if isinstance(self.policy.model, Transformer):
            save_model(self.policy, self.folder / TRAINED)

    def _run_in_trl(self, progress: Callable[[UpdateRow], None]) -> None:
        run_in_trl(
            self.config,
            self.data,
            self.policy,
            self.prompts,
            folder=self.folder,
            writer=self.writer,
            progress=progress,
        )

    def _evaluation(self) -> Evaluation:
        section = self.config.evaluation
        return Evaluation(
            self.data.split.test,
            self.data.verify,
            n_samples=section.n_samples,
            temperature=section.temperature,
            every=section.every,
        )


def _check(config: RunConfig, data: Data) -> None:
    """Check all settings before any work."""
    if config.engine == "native":
        training_config(config, data)
        return
    run_settings(config, RUNS)
    machine_settings(config)


def _trained(folder: Path, config: RunConfig, *, reused: bool = False) -> TrainedRun:
    record = read_run(folder)
    document = training_document(folder, record, k=config.evaluation.k)
    return TrainedRun(folder, record, document, reused)


def _status(row: UpdateRow, n_updates: int) -> str:
    success = "" if row.gold_success != row.gold_success else f", {row.gold_success:.0%} right"
    return f"update {row.step} of {n_updates}{success}"


# --- the folder ---


def default_folder(config: RunConfig) -> Path:
    """Return `runs/<time>-<8 hex of the configuration>`."""
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return RUNS / f"{now}-{inputs_sha256(config.document())[:8]}"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if folder.is_dir() and any(folder.iterdir()) and not is_training_run(folder):
        held = sorted({path.name for path in folder.iterdir()} - {LOCK_FILE, BASE})
        if held:
            raise InputError(
                f"expected an empty folder or one of a training run, got {folder} which holds "
                f"{held[0]!r}",
                hint="choose another --out",
            )
    folder.mkdir(parents=True, exist_ok=True)
    take_lock(folder / LOCK_FILE, on=folder)
    try:
        yield
    finally:
        release_lock(folder / LOCK_FILE)


def _earlier(folder: Path, config: RunConfig, data: Data) -> Status | None:
    """Return the run that the folder holds, None if it holds none.

    Raises:
        InputError: It is a run of something else.
    """
    if not (folder / RUN_FILE).is_file():
        return None
    status = read_head(folder)
    given = _plain({**config.document(), "hashes": dict(data.hashes)})
    hashes = {name: status.head.hashes.get(name) for name in data.hashes}
    stored = _plain({**status.head.config, "hashes": hashes})
    changed = changed_inputs(stored, given)
    if changed:
        what = "; ".join(
            f"{name} was {stored.get(name)!s:.60}, is {given.get(name)!s:.60}" for name in changed
        )
        raise InputError(
            f"{folder} holds a run of another configuration: {what}",
            hint="choose another --out, or start again with --fresh",
        )
    return status


def _plain(document: Any, path: str = "") -> dict[str, Any]:
    """Return a nested document as one table of dotted paths."""
    if not isinstance(document, Mapping) or (path and not document):
        return {path: document}
    found: dict[str, Any] = {}
    for key, value in document.items():
        found |= _plain(value, f"{path}.{key}" if path else str(key))
    return found


def _clear(folder: Path) -> None:
    # run.json goes first: without it, nothing that is left counts as stored
    for name in (RUN_FILE, *ROW_FILES):
        (folder / name).unlink(missing_ok=True)
    for name in (CHECKPOINTS, BASE, TRAINED, LAYOUT, TRL_OUTPUT, TENSORBOARD):
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            shutil.rmtree(folder / name)


def _writer(folder: Path, config: RunConfig, data: Data, policy: Policy, command: str) -> RunWriter:
    prompt_ids = [prompt_id(example) for example in data.split.train]
    done = _updates_done(folder, config)
    if done is not None and (folder / RUN_FILE).is_file():
        return RunWriter.resume(folder, step=done, prompt_ids=prompt_ids)
    head = _head(config, data, policy, command)
    return RunWriter.start(folder, head, prompt_ids=prompt_ids, limits=config.recording)


def _updates_done(folder: Path, config: RunConfig) -> int | None:
    """Return the updates that the newest checkpoint has behind it, None if there is none."""
    if config.engine == "trl":
        stored = checkpoint_to_resume(config, folder)
        return None if stored is None else stored.n_steps // config.optimiser.passes
    checkpoint = newest_checkpoint(folder / CHECKPOINTS)
    return None if checkpoint is None else checkpoint.update


def _head(config: RunConfig, data: Data, policy: Policy, command: str) -> RunHead:
    document = config.document()
    now = datetime.now(UTC)
    absent = {} if config.recording.token_rows_per_step else {"tokens": "recording asked for none"}
    return RunHead(
        run_id=f"{now.strftime('%Y%m%d-%H%M%S')}-{inputs_sha256(document)[:8]}",
        time=now.isoformat(timespec="seconds"),
        command=command,
        engine=config.engine,
        method=config.method.name,
        seed=config.seed,
        n_updates=config.optimiser.n_updates,
        reward_weights=data.weights,
        config=document,
        versions={**versions(), **_package_versions()},
        hashes={"model": model_digest(policy.module), **data.hashes},
        facts={**describe(policy), **data.facts, "gold": data.gold},
        absent=absent,
        purpose=config.purpose,
    )


def _package_versions() -> dict[str, str]:
    found = {name: package_version(name) for name in _PACKAGES}
    return {name: version for name, version in found.items() if version is not None}


@contextmanager
def _tracking(tracker: Tracker | None) -> Iterator[Tracker | None]:
    try:
        yield tracker
    finally:
        if tracker is not None:
            tracker.close()
