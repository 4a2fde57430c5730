"""One call that trains with TRL and returns what pellucid's own engine returns."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pellucid.errors import CapabilityError, InputError, PellucidError
from pellucid.io.imports import optional_import
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.recording import RunWriter, UpdateRow
from pellucid.posttrain.rewards import RewardFunction
from pellucid.posttrain.tasks.example import Example, reward_columns
from pellucid.posttrain.trl.machines import cpu_settings
from pellucid.posttrain.trl.method import Method, Plain, Row
from pellucid.posttrain.trl.record_rows import PROMPT_ID
from pellucid.posttrain.trl.server import check_generation_server, limit_waiting
from pellucid.posttrain.trl.settings import RunSettings, objective_to_trl_config
from pellucid.posttrain.trl.versions import check_trl
from pellucid.registry import unknown_name

PLACE = "example_number"
"""Column with the place of a row's example."""


@dataclass(frozen=True)
class TrlResult:
    """A finished training.

    Args:
        history: One row per update.
        seconds: Of the training, without the loading of the model.
        own_seconds: Those of them inside the overridden methods, without what they hand on to TRL;
            NaN for TRL's own trainer.
        trainer: TRL's trainer, with the model.
    """

    history: tuple[UpdateRow, ...]
    seconds: float
    own_seconds: float
    trainer: Any

    def save(self, folder: Path) -> None:
        """Save model (or adapters) and tokenizer in the layout of transformers.

        Raises:
            OSError: The folder cannot be written.
        """
        self.trainer.save_model(str(folder))
        self.trainer.processing_class.save_pretrained(str(folder))


def train_with_trl(
    model: Any,
    examples: Sequence[Example],
    rewards: Mapping[str, RewardFunction],
    *,
    recipe: Recipe,
    settings: RunSettings,
    method: Method | None = None,
    tokenizer: Any = None,
    weights: Mapping[str, float] | None = None,
    gold: str | None = None,
    machine: Mapping[str, Any] | None = None,
    adapters: Any = None,
    stock: bool = False,
    prompt_ids: Sequence[str] | None = None,
    recorder: RunWriter | None = None,
    progress: Callable[[UpdateRow], None] | None = None,
    resume: Path | None = None,
) -> TrlResult:
    """Train a Hugging Face model with TRL; nothing is reported to the hub.

    TRL seeds the global generators of Python, NumPy and torch.

    Args:
        model: A folder or hub id, or a model. With a divergence, TRL loads the reference from the
            folder, so a model made in memory must have been saved.
        examples: What to train on; rewards get their fields as columns.
        rewards: Reward functions by name of their component.
        recipe: Advantage, loss and reduction.
        settings: Sizes and optimiser.
        method: `Plain` if None.
        tokenizer: Of transformers; the model's own if None.
        weights: Of the rewards; 1 each if None. With 0 a component is measured and not learned.
        gold: The component that says whether an answer is right.
        machine: Arguments of `GRPOConfig` for the machine; those of a CPU if None.
        adapters: `low_rank_adapters(...)`; all weights are trained if None.
        stock: Use TRL's own trainer, for recipes it can express and the method `Plain`.
        prompt_ids: Names of the examples in the record; their places if None.
        recorder: Keeps the record of the run.
        progress: Called with the row of each update; what it raises ends the training.
        resume: Checkpoint of an earlier call with the same arguments, from which to go on; its
            prompts, weights, optimiser and random state are those of a run that never stopped.

    Raises:
        CapabilityError: TRL is missing or of a release that was not tested; or it cannot follow the
            recipe or the method.
        InputError: No examples or rewards, or a name that is not among the rewards; a tokenizer
            without an end token or, for messages, without a chat template.
        ConnectionError: The generation server does not answer in time.
    """
    check_trl()
    _check_names(examples, rewards, weights, gold)
    learned = [(weights or {}).get(name, 1.0) for name in rewards]
    settings = replace(settings, reward_weights=learned)
    options = cpu_settings() if machine is None else machine
    if options.get("vllm_mode") == "server" and options.get("use_vllm"):
        check_generation_server(
            options["vllm_server_base_url"], timeout=options["vllm_server_timeout"]
        )
    send_nothing()
    if tokenizer is None and isinstance(model, str | Path):
        auto = optional_import("transformers", extra="llm").AutoTokenizer
        tokenizer = auto.from_pretrained(str(model), padding_side="left")
    if tokenizer is not None:
        check_tokenizer(tokenizer, examples)
    data = optional_import("datasets", extra="llm").Dataset.from_list(
        dataset_rows(examples, prompt_ids)
    )
    trainer = _trainer(
        model,
        list(_named(rewards)),
        recipe=recipe,
        settings=settings,
        method=method,
        gold=gold,
        machine=options,
        stock=stock,
        train_dataset=data,
        processing_class=tokenizer,
        peft_config=adapters,
    )
    limit_waiting(trainer, options.get("vllm_server_timeout", 240.0))
    return _trained(trainer, recorder, gold=gold, progress=progress, resume=resume)


def send_nothing() -> None:
    """Keep TRL's trainers from reporting their use to the hub, unless the user said otherwise."""
    if "HF_HUB_DISABLE_TELEMETRY" not in os.environ:
        hub = optional_import("huggingface_hub", extra="llm")
        hub.constants.HF_HUB_DISABLE_TELEMETRY = True


def check_tokenizer(tokenizer: Any, examples: Sequence[Example]) -> None:
    """Check that a tokenizer has what completions and messages need.

    Raises:
        InputError: It has no end token or, for messages, no chat template.
    """
    if tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no end token, so no completion would ever be finished",
            hint="set its eos_token",
        )
    chat = [number for number, example in enumerate(examples) if example.messages is not None]
    if chat and tokenizer.chat_template is None:
        raise InputError(
            f"the prompt of example {chat[0]} is a list of messages, but the tokenizer has no chat "
            "template",
            hint="give plain prompts, or a tokenizer of an instruction-tuned model",
        )


def by_example(
    function: Callable[[Example], Any], examples: Sequence[Example]
) -> Callable[[Row], Any]:
    """Return a function of a row of the data set for one of an example."""

    def of_row(row: Row) -> Any:
        return function(examples[row[PLACE]])

    return of_row


def dataset_rows(
    examples: Sequence[Example], prompt_ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return rows with TRL's `prompt` and every column that rewards read.

    Args:
        examples: One row each; those with messages keep them as the prompt.
        prompt_ids: Names in the record; places if None.
    """
    columns = reward_columns(examples)
    del columns["prompts"]
    columns[PLACE] = list(range(len(examples)))
    columns[PROMPT_ID] = list(prompt_ids or map(str, range(len(examples))))
    return [
        {
            "prompt": example.prompt if example.messages is None else list(example.messages),
            **{name: values[place] for name, values in columns.items()},
        }
        for place, example in enumerate(examples)
    ]


def grpo_config(arguments: Mapping[str, Any]) -> Any:
    """Return `trl.GRPOConfig`, with options under the names that the installed release knows.

    Raises:
        UnknownNameError: It has no such option.
    """
    config_class = optional_import("trl", extra="llm").GRPOConfig
    known = {item.name for item in fields(config_class)}
    given = dict(arguments)
    # transformers renamed it within the releases that are supported
    if "activation_checkpointing" in given and "activation_checkpointing" not in known:
        given["gradient_checkpointing"] = given.pop("activation_checkpointing")
    for name in given:
        if name not in known:
            raise unknown_name("option of trl.GRPOConfig", name, sorted(known))
    return config_class(**given)


# --- inside ---


def _trainer(
    model: Any,
    functions: list[RewardFunction],
    *,
    recipe: Recipe,
    settings: RunSettings,
    method: Method | None,
    gold: str | None,
    machine: Mapping[str, Any],
    stock: bool,
    **given: Any,
) -> Any:
    """Construct the trainer."""
    source = str(model) if isinstance(model, Path) else model
    if stock:
        if method not in (None, Plain()):
            raise CapabilityError(
                "TRL's own trainer follows a recipe and no method", hint="leave `stock` out"
            )
        config = grpo_config(objective_to_trl_config(recipe, settings, machine))
        made = optional_import("trl", extra="llm").GRPOTrainer
        return made(source, reward_funcs=functions, args=config, **given)
    module = optional_import("pellucid.posttrain.trl.trainer", extra="llm")
    # the loss options are not read; only beta is, which decides on a reference model
    neutral = objective_to_trl_config(Recipe(), settings, machine, {"beta": recipe.kl})
    return module.ObjectiveTrainer(
        source,
        reward_funcs=functions,
        args=grpo_config(neutral),
        recipe=recipe,
        method=method,
        gold=gold,
        **given,
    )


def _trained(
    trainer: Any,
    recorder: RunWriter | None,
    *,
    gold: str | None,
    progress: Callable[[UpdateRow], None] | None,
    resume: Path | None,
) -> TrlResult:
    module = optional_import("pellucid.posttrain.trl.recording_callback", extra="llm")
    history: list[UpdateRow] = []

    def note(row: UpdateRow) -> None:
        history.append(row)
        if progress is not None:
            progress(row)

    trainer.add_callback(module.RecordingCallback(trainer, recorder, gold=gold, progress=note))
    # it prints every log; `progress` is told instead
    trainer.remove_callback(optional_import("transformers", extra="llm").PrinterCallback)
    started = time.perf_counter()
    try:
        trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    except KeyboardInterrupt:
        _note(recorder, "interrupted", "")
        raise
    except PellucidError as error:
        # what `progress` finds wrong with an update: a diagnosis, and no fault of the program
        _note(recorder, "stopped", str(error))
        raise
    except Exception as error:
        _note(recorder, "failed", f"{type(error).__name__}: {str(error)[:300]}")
        raise
    seconds = time.perf_counter() - started
    timer = getattr(trainer, "timer", None)
    own = float("nan") if timer is None else timer.own
    return TrlResult(tuple(history), seconds, own, trainer)


def _note(recorder: RunWriter | None, state: Any, diagnosis: str) -> None:
    if recorder is not None:
        recorder.set_state(state, diagnosis)


def _named(rewards: Mapping[str, RewardFunction]) -> Sequence[RewardFunction]:
    """Return the functions under their component's name, which TRL's logs take from them."""
    return [_renamed(function, name) for name, function in rewards.items()]


def _renamed(function: RewardFunction, name: str) -> RewardFunction:
    def reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        return function(completions, **columns)

    reward.__name__ = reward.__qualname__ = name
    return reward


def _check_names(
    examples: Sequence[Example],
    rewards: Mapping[str, RewardFunction],
    weights: Mapping[str, float] | None,
    gold: str | None,
) -> None:
    if not examples:
        raise InputError("training needs examples, got none")
    if not rewards:
        raise InputError("training needs at least one reward function, got none")
    for name in [*(weights or {}), *([] if gold is None else [gold])]:
        if name not in rewards:
            raise unknown_name("reward", name, list(rewards))
