"""Writes pellucid's record of a run while TRL trains; for TRL's own trainer and for ours.

Importing this module imports transformers.
"""

import asyncio
import dataclasses
import datetime
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from pellucid.errors import CapabilityError
from pellucid.posttrain.recording import RunHead, RunWriter, UpdateRow
from pellucid.posttrain.trl.internals import end_ids
from pellucid.posttrain.trl.record_rows import (
    RecordedBatch,
    prompt_name,
    sample_row,
    taught_row,
    token_row,
    update_row,
)
from pellucid.posttrain.trl.trace import Trace
from pellucid.posttrain.trl.versions import installed_version

PACKAGES = ("pellucid", "torch", "transformers", "trl", "accelerate", "peft", "vllm")
"""Whose versions the record holds."""


class RecordingCallback(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Records completions, rewards, advantages and what TRL logs, batch by batch.

    Add it to a constructed trainer: `trainer.add_callback(RecordingCallback(trainer, folder))`.
    From TRL's own trainer it records tokens but not what the loss made of each; from
    `ObjectiveTrainer` that too. The first process writes; of several it records TRL's gathered
    completions, or its own share with `ObjectiveTrainer`.

    Args:
        trainer: `trl.GRPOTrainer` or `ObjectiveTrainer`.
        record: Folder of a new record (what it holds of an earlier one goes), a writer, or None
            for `progress` alone.
        gold: Name of the reward that says whether an answer is right; None if none does.
        progress: Called with the row of each update.

    Raises:
        CapabilityError: The trainer keeps no table of completions.
        InputError: A name that no reward has.
    """

    def __init__(
        self,
        trainer: Any,
        record: Path | RunWriter | None,
        *,
        gold: str | None = None,
        progress: Callable[[UpdateRow], None] | None = None,
    ) -> None:
        logs = getattr(trainer, "_logs", None)
        if not isinstance(logs, Mapping) or not {"prompt", "completion", "rewards"} <= logs.keys():
            raise CapabilityError(
                "the trainer keeps no table of completions that could be recorded",
                hint="use trl.GRPOTrainer of a release that pellucid was tested with",
            )
        self._trainer, self._gold, self._progress = trainer, gold, progress
        self._seen: dict[str, Any] = {}
        self._started = time.perf_counter()
        self._pending: tuple[int, RecordedBatch, float] | None = None
        if hasattr(trainer, "tracing"):
            trainer.tracing = True
        else:
            watch(trainer, self._see)
        self.writer = _started(trainer, record) if isinstance(record, Path) else record

    # --- what transformers calls ---

    def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Start the clock of an update."""
        if state.global_step % steps_per_batch(args) == 0:
            self._started = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Take what was learned from after the last pass; the row waits for TRL's log."""
        self._write({})
        step, passes_left = divmod(state.global_step, steps_per_batch(args))
        batch = None if passes_left else self._batch()
        if batch is not None:
            self._pending = step, batch, time.perf_counter() - self._started

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **given: Any) -> None:
        """Write the row of the step that was logged."""
        if logs and "loss" in logs:
            # a log of several steps is a mean over them and says nothing of the last
            self._write(logs if args.logging_steps == 1 else {})

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Close the record."""
        self._write({})
        if self.writer is not None and state.is_world_process_zero:
            self.writer.set_state("finished")

    # --- inside ---

    def _see(self, ids: Sequence[Sequence[int]], rows: Sequence[Mapping[str, Any]]) -> None:
        if self._trainer.model.training:
            self._seen = {"ids": [list(one) for one in ids], "rows": list(rows)}

    def _batch(self) -> RecordedBatch | None:
        trace = getattr(self._trainer, "trace", None)
        if isinstance(trace, Trace):
            return traced_batch(self._trainer, trace)
        return logged_batch(self._trainer, self._seen)

    def _write(self, logs: Mapping[str, Any]) -> None:
        if self._pending is None:
            return
        (step, batch, seconds), self._pending = self._pending, None
        update = update_row(batch, logs, step=step, gold=self._gold, seconds=seconds)
        if self.writer is not None and self._trainer.accelerator.is_main_process:
            kept = self.writer.choose(step, batch.names)
            samples = [
                sample_row(batch, index, step=step, gold=self._gold) for index in kept.samples
            ]
            shown = {batch.names[index] for index in kept.samples}
            samples += [
                taught_row(batch, place, step=step, gold=self._gold)
                for place, text in enumerate(batch.taught)
                if batch.names[text.row] in shown
            ]
            tokens = [
                token_row(batch, index, step=step, names=self._token_names(batch, index))
                for index in kept.tokens
            ]
            self.writer.record_update(update, samples, [row for row in tokens if row is not None])
        if self._progress is not None:
            self._progress(update)

    def _token_names(self, batch: RecordedBatch, index: int) -> list[str]:
        if batch.ids is None:
            return []
        names = self._trainer.processing_class.convert_ids_to_tokens(list(batch.ids[index]))
        return [str(name) for name in names]


def steps_per_batch(args: Any) -> int:
    """Return the number of optimiser steps on each batch of completions, which is one update."""
    steps = args.num_iterations * args.steps_per_generation
    return max(1, int(steps) // int(args.gradient_accumulation_steps))


def traced_batch(trainer: Any, trace: Trace) -> RecordedBatch:
    """Return what `ObjectiveTrainer` learned from, tokens and all."""
    # where completions that were cut are masked, their rows have no mask and every column
    lengths = [n or trace.ids.size(1) for n in trace.written.sum(1).tolist()]
    counted = trace.counted
    shown = (trace.tokens["advantages"].where(counted, 0.0).sum(1) / counted.sum(1)).tolist()
    hinted = [row for row, guided in enumerate(trace.hinted.tolist()) if guided]
    ids = [row[:n] for row, n in zip(trace.ids.tolist(), lengths, strict=True)]
    return RecordedBatch(
        rows=trace.inputs,
        completions=trace.completions,
        rewards={name: values.tolist() for name, values in trace.raw.items()},
        totals=trace.total.tolist(),
        advantages=shown,
        prompts={row: trainer.method.hint_prompt(trace.inputs[row]) for row in hinted},
        ids=ids,
        cut=cut_rows(trainer, ids),
        tokens={name: values.tolist() for name, values in trace.tokens.items()},
        taught=trace.taught,
        policy_loss=float(trace.policy_losses.sum()),
    )


def logged_batch(trainer: Any, seen: Mapping[str, Any]) -> RecordedBatch | None:
    """Return TRL's table of its latest completions, None if it is empty."""
    logs = trainer._logs
    prompts, completions = list(logs["prompt"]), list(logs["completion"])
    if not completions:
        return None
    rewards = {name: [float(v) for v in values] for name, values in logs["rewards"].items()}
    weights = dict(zip(trainer.reward_func_names, trainer.reward_weights.tolist(), strict=True))
    rows, ids = seen.get("rows"), seen.get("ids")
    if rows is None or len(rows) != len(prompts):
        # several processes: the reward functions of this one saw its own share only
        rows, ids = [{"prompt": prompt} for prompt in prompts], None
    return RecordedBatch(
        rows=rows,
        completions=completions,
        rewards=rewards,
        totals=weighted_totals(rewards, weights, len(completions)),
        advantages=[float(value) for value in logs["advantages"]],
        ids=ids,
        cut=None if ids is None else cut_rows(trainer, ids),
    )


def weighted_totals(
    rewards: Mapping[str, Sequence[float]], weights: Mapping[str, float], n_rows: int
) -> list[float]:
    """Return TRL's sum of the components that a row has; NaN for a row that has none.

    Example:
        >>> weighted_totals({"a": [1.0, float("nan")], "b": [0.5, float("nan")]}, {"a": 2.0}, 2)
        [2.5, nan]
    """
    totals = []
    for row in range(n_rows):
        known = [
            weights.get(name, 1.0) * values[row]
            for name, values in rewards.items()
            if values[row] == values[row]
        ]
        totals.append(sum(known) if known else float("nan"))
    return totals


def cut_rows(trainer: Any, ids: Sequence[Sequence[int]]) -> list[bool]:
    """Return which completions do not end with a token that ends one."""
    ends = set(end_ids(trainer))
    return [not row or row[-1] not in ends for row in ids]


def watch(trainer: Any, see: Callable[[Any, Any], None]) -> None:
    """Let a callable see the ids and columns that the first plain reward function is given.

    TRL keeps the texts of completions and not their tokens; reward functions get both.
    """
    for place, function in enumerate(trainer.reward_funcs):
        if not hasattr(function, "forward"):
            trainer.reward_funcs[place] = _watched(function, see)
            return


def _watched(function: Callable[..., Any], see: Callable[[Any, Any], None]) -> Callable[..., Any]:
    def note(given: Mapping[str, Any]) -> None:
        prompts = given["prompts"]
        columns = {
            name: values
            for name, values in given.items()
            if isinstance(values, list) and len(values) == len(prompts)
        }
        rows = [
            {"prompt": prompt, **{name: values[row] for name, values in columns.items()}}
            for row, prompt in enumerate(prompts)
        ]
        see(given["completion_ids"], rows)

    if asyncio.iscoroutinefunction(function):

        @functools.wraps(function)
        async def reward_async(**given: Any) -> Any:
            note(given)
            return await function(**given)

        return reward_async

    @functools.wraps(function)
    def reward(**given: Any) -> Any:
        note(given)
        return function(**given)

    return reward


def _started(trainer: Any, folder: Path) -> RunWriter:
    """Start a record with what the trainer itself tells of the run."""
    args = trainer.args
    weights = dict(zip(trainer.reward_func_names, trainer.reward_weights.tolist(), strict=True))
    head = RunHead(
        run_id=folder.name,
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        engine="trl",
        method=type(trainer).__name__,
        seed=args.seed,
        n_updates=args.max_steps // steps_per_batch(args) if args.max_steps > 0 else None,
        reward_weights=weights,
        config={key: value for key, value in _plain(args).items() if value is not None},
        versions={name: found for name in PACKAGES if (found := installed_version(name))},
        absent={"evaluations": "TRL keeps no completions of held-out prompts"},
    )
    rows = trainer.train_dataset
    # a stream has no length, and reading it would use it up
    names = [prompt_name(row) for row in rows] if hasattr(rows, "__len__") else []
    return RunWriter.start(folder, head, prompt_ids=names)


def _plain(args: Any) -> dict[str, Any]:
    """Return the options that are plain values; tokens of services never."""
    return {
        item.name: value
        for item in dataclasses.fields(args)
        if "token" not in item.name
        and isinstance(value := getattr(args, item.name), bool | int | float | str)
    }
