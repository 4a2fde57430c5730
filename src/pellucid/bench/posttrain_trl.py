"""The same post-training by TRL, for the suite that times it; imports TRL when it is asked."""

import contextlib
import io
import itertools
import logging
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from pellucid.io.imports import optional_import
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.rewards.function import RewardFunction
from pellucid.posttrain.trl.settings import RunSettings, objective_to_trl_config


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Keep what the peer prints, logs and warns about from the reader: only times are wanted."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class TrlUpdates:
    """TRL's trainer, asked for a few updates at a time.

    Args:
        model: A `PreTrainedModel`; its weights change.
        tokenizer: Its `PreTrainedTokenizerFast`.
        prompts: Texts, one per group.
        reward: One reward function.
        recipe: What is optimised.
        samples_per_prompt: Completions of each prompt.
        max_new_tokens: Longest completion.
        learning_rate: Constant.
        ours: Train by pellucid's subclass of the trainer instead, which measures its own share.

    Raises:
        InputError: TRL is not installed.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        prompts: Sequence[str],
        reward: RewardFunction,
        recipe: Recipe,
        *,
        samples_per_prompt: int,
        max_new_tokens: int,
        learning_rate: float,
        ours: bool = False,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pellucid-bench-")
        settings = RunSettings(
            self._folder.name,
            n_updates=1,
            prompts_per_update=len(prompts),
            samples_per_prompt=samples_per_prompt,
            rows_per_device=len(prompts) * samples_per_prompt,
            max_new_tokens=max_new_tokens,
            learning_rate=learning_rate,
        )
        with muted():
            trl = optional_import("trl", extra="llm")
            options = objective_to_trl_config(recipe, settings)
            # everything that would cost TRL time beside the update itself is off
            quiet = {
                "use_cpu": True,
                "bf16": False,
                "gradient_checkpointing": False,
                "disable_tqdm": True,
                "logging_strategy": "no",
            }
            arguments = {
                "model": model,
                "reward_funcs": [reward],
                "args": trl.GRPOConfig(**options | quiet),
                "train_dataset": optional_import("datasets", extra="llm").Dataset.from_list(
                    [{"prompt": prompt} for prompt in prompts]
                ),
                "processing_class": tokenizer,
            }
            if ours:
                made = optional_import("pellucid.posttrain.trl.trainer", extra="llm")
                self.trainer = made.ObjectiveTrainer(**arguments, recipe=recipe)
            else:
                self.trainer = trl.GRPOTrainer(**arguments)
            transformers = optional_import("transformers", extra="llm")
            self.trainer.remove_callback(transformers.PrinterCallback)
            self._ends: list[float] = []
            self.trainer.add_callback(_clock(transformers, self._ends))

    def seconds(self, n_updates: int) -> list[float]:
        """Return how long each of so many updates took, from the end of the one before."""
        self._ends.clear()
        # the first one sets up what the others use
        self.trainer.args.max_steps = n_updates + 1
        with muted():
            self.trainer.train()
        return [b - a for a, b in itertools.pairwise(self._ends)]

    def close(self) -> None:
        """Remove the trainer's folder."""
        self._folder.cleanup()


def _clock(transformers: Any, ends: list[float]) -> Any:
    def on_step_end(self: Any, *args: Any, **kwargs: Any) -> None:
        ends.append(time.perf_counter())

    return type("Clock", (transformers.TrainerCallback,), {"on_step_end": on_step_end})()
