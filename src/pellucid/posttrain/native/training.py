"""The training loop: responses, rewards, advantages, gradient, weights, record."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from pellucid.errors import InputError, NotFiniteError
from pellucid.posttrain.native.checkpoints import (
    Checkpoint,
    newest_checkpoint,
    remove_checkpoints,
    restore,
    save_checkpoint,
)
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.diagnosis import (
    Diagnosis,
    TrainingStoppedError,
    Watch,
    diagnosed,
)
from pellucid.posttrain.native.environments import TextEnvironment
from pellucid.posttrain.native.evaluating import Evaluation, evaluation_rows
from pellucid.posttrain.native.fingerprint import check_same, fingerprint
from pellucid.posttrain.native.history import update_row
from pellucid.posttrain.native.kept_rows import Recorder, record
from pellucid.posttrain.native.memory import keep_freed_memory
from pellucid.posttrain.native.methods.method import Collected
from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.optimising import Pass, Step, accumulate, take_step
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.tokenizing import Tokenizer
from pellucid.posttrain.objectives import LOCAL, Prepared, Reducer
from pellucid.posttrain.recording.documents import row_document, row_from
from pellucid.posttrain.recording.rows import EvaluationRow, UpdateRow, When
from pellucid.posttrain.rewards.function import RewardFunction
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import stream

CHECKPOINTS = "checkpoints"
"""Folder of a run that holds its checkpoints."""


@dataclass(frozen=True)
class TrainingResult:
    """What a run did.

    Args:
        history: One row per update, those before it was taken up included.
        evaluations: One row per held-out example and evaluation.
        resumed_from: Updates that were already made; 0 for a run from the beginning.
    """

    history: tuple[UpdateRow, ...]
    evaluations: tuple[EvaluationRow, ...]
    resumed_from: int

    @property
    def n_generated_tokens(self) -> int:
        """All tokens that were sampled for training, those of rejected responses included."""
        return sum(int(row.extra["n_generated_tokens"]) for row in self.history)


def train(
    model: LanguageModel,
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    rewards: Mapping[str, RewardFunction],
    config: TrainingConfig,
    *,
    run_dir: Path | None = None,
    fresh: bool = False,
    recorder: Recorder | None = None,
    progress: Callable[[UpdateRow], None] | None = None,
    evaluation: Evaluation | None = None,
    environment: Callable[[Example], TextEnvironment] | None = None,
    reducer: Reducer = LOCAL,
) -> TrainingResult:
    """Train a language model in place.

    Dropout is off throughout, so that the ratio of two probabilities compares policies and not
    masks. With several processes every process must call this with the same arguments; the
    gradients are summed, statistics go over all, the rows of the history are each process's own,
    and only the first one writes.

    Args:
        model: The policy; its weights change.
        tokenizer: Its tokenizer.
        examples: What to train on; drawn in an order that the seed decides, each once per round.
        rewards: Reward functions by name of their component.
        config: The settings.
        run_dir: Folder for checkpoints. If it has one already, the run is taken up there and gives
            the same numbers as one that was never interrupted; `model` must be given as it was at
            the start. None for no checkpoints.
        fresh: Start again even if there is a checkpoint; those that are there are removed.
        recorder: Keeps the record of the run; None for none.
        progress: Called with the row of each update.
        evaluation: Held-out examples; None for no evaluation.
        environment: Makes the environment of an example, for tasks of several turns.
        reducer: Brings together what the processes hold.

    Raises:
        InputError: No examples, a setting that does not fit, or a run in `run_dir` that was
            started with something else.
        RewardError: A reward function raised on too many responses.
        TrainingStoppedError: There was nothing to be learned, or numbers were not finite.
    """
    run = _Run(
        model=model,
        config=config,
        examples=list(examples),
        session=_session(model, tokenizer, rewards, config, environment, reducer),
        folder=None if run_dir is None else run_dir / CHECKPOINTS,
        recorder=recorder,
        evaluation=evaluation,
    )
    try:
        return run.all_updates(fresh=fresh, progress=progress)
    except TrainingStoppedError as error:
        run.note("stopped", str(error))
        raise
    except KeyboardInterrupt:
        run.note("interrupted", "")
        raise
    except Exception as error:
        run.note("failed", f"{type(error).__name__}: {error}")
        raise


def prompts_of(
    examples: Sequence[Example], update: int, config: TrainingConfig, *, rank: int, n_ranks: int
) -> list[Example]:
    """Return the examples of one update: the next in an endless row of shuffled rounds.

    Args:
        examples: All of them.
        update: From 1.
        config: Its seed and number of prompts.
        rank: Of this process.
        n_ranks: How many there are.
    """
    first = (update - 1) * config.prompts_per_update * n_ranks + rank
    places = range(first, first + config.prompts_per_update * n_ranks, n_ranks)
    rounds = {place // len(examples) for place in places}
    orders = {
        number: stream(config.seed, "training", "order", number).permutation(len(examples))
        for number in rounds
    }
    return [examples[orders[place // len(examples)][place % len(examples)]] for place in places]


class _Run:
    """One call of `train`."""

    def __init__(
        self,
        *,
        model: LanguageModel,
        config: TrainingConfig,
        examples: list[Example],
        session: Session,
        folder: Path | None,
        recorder: Recorder | None,
        evaluation: Evaluation | None,
    ) -> None:
        if not examples:
            raise InputError("training needs at least one example, got none")
        self._module = _module_of(model)
        self._config, self._examples, self._session = config, examples, session
        self._writes = session.rank == 0
        self._folder, self._evaluation = folder, evaluation
        self._recorder = recorder if self._writes else None
        self._optimiser = _optimiser_of(self._module, config)
        self._watch = Watch(config.patience, config.max_failed_updates)
        self._history: list[UpdateRow] = []
        self._evaluations: list[EvaluationRow] = []
        self._fingerprint: dict[str, str] = {}

    def all_updates(
        self, *, fresh: bool, progress: Callable[[UpdateRow], None] | None
    ) -> TrainingResult:
        """Make the updates that are missing."""
        config = self._config
        was_training = self._module.training
        self._module.eval()
        # a gradient that is left from before would be added to that of the first update
        self._optimiser.zero_grad(set_to_none=True)
        keep_freed_memory()
        try:
            done = self._start(fresh=fresh)
            if done == 0:
                self._evaluate("before", 0)
            for update in range(done + 1, config.n_updates + 1):
                try:
                    row, diagnosis = self._update(update)
                except NotFiniteError as error:
                    raise TrainingStoppedError(diagnosed("diverged", update)) from error
                self._history.append(row)
                if progress is not None:
                    progress(row)
                if diagnosis is not None:
                    raise TrainingStoppedError(diagnosis)
                # before the checkpoint, which holds the evaluations too
                if update == config.n_updates:
                    self._evaluate("after", update)
                elif self._evaluation is not None and self._evaluation.is_due(update):
                    self._evaluate("during", update)
                if update % config.checkpoint_every == 0 or update == config.n_updates:
                    self._save(update)
        finally:
            self._module.train(was_training)
        self.note("finished", "")
        return TrainingResult(tuple(self._history), tuple(self._evaluations), done)

    def note(self, state: Any, diagnosis: str) -> None:
        """Record what became of the run."""
        if self._recorder is not None:
            self._recorder.set_state(state, diagnosis)

    # --- one update ---

    def _update(self, update: int) -> tuple[UpdateRow, Diagnosis | None]:
        started = time.perf_counter()
        config, method = self._config, self._config.method
        session = replace(self._session, update=update)
        chosen = prompts_of(
            self._examples,
            update,
            config,
            rank=session.rank,
            n_ranks=session.reducer.n_processes,
        )
        collected = method.collect(chosen, session)
        rollout = collected.rollout
        prepared = method.prepare(rollout, session)
        passes, steps = self._optimise(session, collected, prepared)
        row = update_row(
            session,
            rollout,
            prepared,
            passes,
            steps,
            learning_rate=config.learning_rate_at(update),
            seconds=time.perf_counter() - started,
        )
        if self._recorder is not None:
            record(self._recorder, session, row, rollout, prepared, passes[-1])
        return row, self._diagnosed(row, steps)

    def _optimise(
        self, session: Session, collected: Collected, prepared: Prepared
    ) -> tuple[list[Pass], list[Step]]:
        config = self._config
        for group in self._optimiser.param_groups:
            group["lr"] = config.learning_rate_at(session.update)
        passes, steps = [], []
        for _ in range(config.passes):
            found = accumulate(
                session,
                config.method,
                collected.rollout,
                prepared,
                collected.auxiliary,
                rows_at_once=session.rows_at_once,
            )
            step = take_step(
                session,
                self._optimiser,
                max_grad_norm=config.max_grad_norm,
                finite=found.finite,
            )
            passes.append(found)
            steps.append(step)
        return passes, steps

    def _diagnosed(self, row: UpdateRow, steps: Sequence[Step]) -> Diagnosis | None:
        # over all processes, so that they stop together
        counts = torch.tensor([row.n_samples, row.n_unscored], dtype=torch.float64)
        n_samples, n_unscored = self._session.reducer.total(counts).tolist()
        return self._watch.observe(
            row.step,
            finite=all(step.applied for step in steps),
            diverged=any(step.diverged for step in steps),
            grad_norm=row.grad_norm,
            changed=any(step.changed for step in steps),
            n_samples=int(n_samples),
            n_unscored=int(n_unscored),
        )

    def _evaluate(self, when: When, step: int) -> None:
        if self._evaluation is None:
            return
        rows = evaluation_rows(self._evaluation, self._session, when=when, step=step)
        self._evaluations += rows
        if self._recorder is not None:
            self._recorder.record_evaluation(rows)

    # --- checkpoints ---

    def _start(self, *, fresh: bool) -> int:
        """Take up the run if there is something to take up; return the updates it has."""
        if self._folder is None:
            return 0
        session = self._session
        self._fingerprint = fingerprint(
            self._module, self._examples, session.rewards, self._config, session.environment
        )
        found = None if fresh else newest_checkpoint(self._folder)
        if found is None:
            if self._writes:
                remove_checkpoints(self._folder)
            return 0
        check_same(found.state["fingerprint"], self._fingerprint)
        self._take_up(found)
        return found.update

    def _take_up(self, found: Checkpoint) -> None:
        restore(found, self._module, self._optimiser)
        where = "the checkpoint"
        self._history = [row_from(UpdateRow, r, where=where) for r in found.state["history"]]
        self._evaluations = [
            row_from(EvaluationRow, r, where=where) for r in found.state["evaluations"]
        ]
        self._watch.counts = {name: int(n) for name, n in found.state["watch"].items()}
        if self._recorder is not None:
            self._recorder.rewind(found.update)

    def _save(self, update: int) -> None:
        if self._folder is None or not self._writes:
            return
        state = {
            "fingerprint": self._fingerprint,
            "history": [row_document(row) for row in self._history],
            "evaluations": [row_document(row) for row in self._evaluations],
            "watch": self._watch.counts,
        }
        save_checkpoint(self._folder, update, self._module, self._optimiser, state)


def _session(
    model: LanguageModel,
    tokenizer: Tokenizer,
    rewards: Mapping[str, RewardFunction],
    config: TrainingConfig,
    environment: Callable[[Example], TextEnvironment] | None,
    reducer: Reducer,
) -> Session:
    return Session(
        model=model,
        tokenizer=tokenizer,
        reference=_frozen_copy(model) if config.needs_reference else None,
        rewards=Rewards(
            rewards,
            weights=config.reward_weights,
            gold=config.gold,
            missing=config.missing,
            tolerated=config.tolerated_failures,
        ),
        recipe=config.recipe,
        sampling=config.sampling,
        seed=config.seed,
        update=0,
        reducer=reducer,
        rank=distributed.get_rank() if reducer.n_processes > 1 else 0,
        mask_cut=config.mask_cut,
        environment=environment,
        rows_at_once=config.rows_per_micro_batch,
    )


def _module_of(model: LanguageModel) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise InputError(f"a model that is trained must be a torch module, got {type(model)}")
    return model


def _frozen_copy(model: LanguageModel) -> LanguageModel:
    frozen = copy.deepcopy(model)
    _module_of(frozen).requires_grad_(False).eval()
    return frozen


def _optimiser_of(module: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    if not weights:
        raise InputError("the model has no weight that can be trained")
    return torch.optim.AdamW(
        weights,
        lr=config.learning_rate,
        betas=config.adam_betas,
        weight_decay=config.weight_decay,
        fused=all(weight.device.type in ("cpu", "cuda") for weight in weights),
    )
