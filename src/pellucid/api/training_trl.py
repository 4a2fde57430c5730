"""The TRL engine for `train_model`: large models, GPUs, vLLM."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pellucid.api.training_config import MethodSection, RunConfig
from pellucid.api.training_data import Data
from pellucid.api.training_methods import Prompt, make_recipe
from pellucid.api.training_models import Policy, source_of
from pellucid.errors import CapabilityError, InputError
from pellucid.io.imports import optional_import
from pellucid.io.sections import read_section
from pellucid.posttrain import trl
from pellucid.posttrain.native.conversion import to_hugging_face
from pellucid.posttrain.native.diagnosis import TrainingStoppedError, Watch
from pellucid.posttrain.native.kept_rows import prompt_id
from pellucid.posttrain.native.prompting import EXPLAIN_PROMPT, HINT_PROMPT
from pellucid.posttrain.native.solving import evaluate
from pellucid.posttrain.native.tokenizing import Tokenizer
from pellucid.posttrain.native.transformer import Transformer
from pellucid.posttrain.recording import EvaluationRow, RunWriter, UpdateRow
from pellucid.posttrain.recording.rows import When
from pellucid.posttrain.trl.resuming import TrlCheckpoint, newest_trl_checkpoint
from pellucid.posttrain.trl.running import by_example, train_with_trl
from pellucid.registry import unknown_name

LAYOUT = "base-transformers"
"""Folder of a model that was made in memory, in the layout that TRL loads."""
TRL_OUTPUT = "trl"
"""Folder that TRL writes in."""
_METHODS: Mapping[str, Callable[..., Any]] = {
    method.name: method
    for method in (trl.Plain, trl.Guidance, trl.SelfExplanation, trl.EntropyModulation)
}
_TOLERATED = 3
"""Updates in a row in which nothing could be scored."""
_PROMPTS: Mapping[str, Mapping[str, Prompt]] = {
    "guidance": {"hint_prompt": HINT_PROMPT},
    "self-explanation": {"explain_prompt": EXPLAIN_PROMPT},
}
"""The native engine's own prompts, where neither configuration nor task has one."""


def run_in_trl(
    config: RunConfig,
    data: Data,
    policy: Policy,
    prompts: Mapping[str, Prompt],
    *,
    folder: Path,
    writer: RunWriter,
    progress: Callable[[UpdateRow], None],
) -> None:
    """Train with TRL, with the same questions asked before and after.

    Args:
        config: The configuration.
        data: What it trains on.
        policy: As it is before training.
        prompts: What makes prompts of contexts.
        folder: The run folder; gets the trained model as `model`.
        writer: Keeps the record.
        progress: Called with the row of each update.

    Raises:
        CapabilityError: TRL is missing or untested, or it cannot do what is asked.
        InputError: An option is wrong.
        TrainingStoppedError: There was nothing to be learned, or numbers were not finite.
    """
    settings = run_settings(config, folder)
    method = trl_method(config.method, prompts, data.split.train, policy.tokenizer)
    machine = machine_settings(config)
    adapters = None
    if config.model.adapters is not None:
        adapters = read_section(
            trl.low_rank_adapters, config.model.adapters, where="model.adapters"
        )
    # its bars would run into ours
    optional_import("transformers.utils.logging", extra="llm").disable_progress_bar()
    source = _source(config, policy, folder)
    checkpoint = checkpoint_to_resume(config, folder)
    if checkpoint is None:
        writer.record_evaluation(_asked(config, data, policy.model, policy.tokenizer, "before"))
    # prompts are text here, as they are for the questions before and after: TRL would render
    # messages by the model's own template, without a limit of time
    examples = [dataclasses.replace(example, messages=None) for example in data.split.train]
    result = train_with_trl(
        source,
        examples,
        data.rewards,
        recipe=make_recipe(config.method),
        settings=settings,
        method=method,
        tokenizer=_hugging_face_tokenizer(policy.tokenizer),
        weights=data.weights,
        gold=data.gold,
        machine=machine,
        adapters=adapters,
        prompt_ids=[prompt_id(example) for example in data.split.train],
        recorder=writer,
        progress=_watched(progress, config.optimiser.patience),
        resume=None if checkpoint is None else checkpoint.folder,
    )
    models = optional_import("pellucid.posttrain.native.hugging_face", extra="llm")
    trained = models.HuggingFaceModel(result.trainer.accelerator.unwrap_model(result.trainer.model))
    writer.record_evaluation(_asked(config, data, trained, policy.tokenizer, "after"))
    result.save(folder / "model")


def checkpoint_to_resume(config: RunConfig, folder: Path) -> TrlCheckpoint | None:
    """Return the checkpoint from which a run folder's training goes on, None if it starts."""
    return newest_trl_checkpoint(folder / TRL_OUTPUT, config.optimiser.passes)


def _watched(
    progress: Callable[[UpdateRow], None], patience: int | None
) -> Callable[[UpdateRow], None]:
    """Return `progress` that raises where training makes no sense any more."""
    watch = Watch(patience, tolerated=_TOLERATED)

    def observed(row: UpdateRow) -> None:
        progress(row)
        diagnosis = watch.observe(
            row.step,
            finite=math.isfinite(row.loss) and math.isfinite(row.grad_norm),
            # TRL could not even sample from weights that are not finite
            diverged=not math.isfinite(row.grad_norm),
            grad_norm=row.grad_norm,
            changed=True,  # not measured here
            n_samples=row.n_samples,
            n_unscored=row.n_unscored,
        )
        if diagnosis is not None:
            raise TrainingStoppedError(diagnosis)

    return observed


def run_settings(config: RunConfig, folder: Path) -> trl.RunSettings:
    """Return the sizes and the optimiser that TRL is given.

    Raises:
        InputError: They do not fit together, or TRL has no such setting.
    """
    sampling, optimiser = config.sampling, config.optimiser
    if sampling.top_k or sampling.top_p != 1:
        raise InputError("sampling.top_k and top_p: the TRL engine samples from all tokens")
    n_rows = sampling.prompts_per_update * sampling.samples_per_prompt
    return trl.RunSettings(
        output_dir=str(folder / TRL_OUTPUT),
        n_updates=optimiser.n_updates,
        prompts_per_update=sampling.prompts_per_update,
        samples_per_prompt=sampling.samples_per_prompt,
        rows_per_device=optimiser.rows_per_micro_batch or n_rows,
        max_new_tokens=sampling.max_new_tokens,
        temperature=sampling.temperature,
        learning_rate=optimiser.learning_rate,
        schedule="constant_with_warmup" if optimiser.warmup_updates else "constant",
        warmup_steps=optimiser.warmup_updates,
        max_grad_norm=optimiser.max_grad_norm,
        n_passes=optimiser.passes,
        mask_cut=sampling.mask_cut,
        save_steps=optimiser.checkpoint_every,
        seed=config.seed,
    )


def machine_settings(config: RunConfig) -> dict[str, Any]:
    """Return the arguments of `GRPOConfig` for the machine.

    Raises:
        CapabilityError: vLLM is missing or out of the tested range.
        InputError: An option is wrong.
    """
    if config.gpu is None:
        machine = trl.cpu_settings()
    else:
        machine = read_section(trl.gpu_settings, config.gpu, where="gpu")
    if config.vllm is not None:
        machine |= read_section(trl.vllm_settings, config.vllm, where="vllm")
    return machine


def trl_method(
    section: MethodSection,
    prompts: Mapping[str, Prompt],
    examples: Sequence[Any],
    tokenizer: Tokenizer,
) -> Any:
    """Return the method of a section as the TRL engine has it.

    Args:
        section: The section.
        prompts: What makes prompts of contexts, of an example.
        examples: What is trained on.
        tokenizer: For the token that ends a step.

    Raises:
        CapabilityError: The method is the native engine's alone.
        InputError: An option is wrong.
    """
    if section.name not in _METHODS:
        raise CapabilityError(
            f"the TRL engine has no method {section.name!r}",
            hint=f"--engine native; TRL has {', '.join(_METHODS)}",
        )
    make = _METHODS[section.name]
    made = {**_PROMPTS.get(section.name, {}), **prompts}
    given: dict[str, Any] = {name: by_example(prompt, examples) for name, prompt in made.items()}
    options = {name: value for name, value in section.options.items() if name not in prompts}
    separator = options.pop("turn_separator", None)
    if separator is not None:
        given["step_end"] = trl.ending_tokens(_hugging_face_tokenizer(tokenizer), str(separator))
    return read_section(partial(make, **given), options, where="method.options")


# --- models ---


def _source(config: RunConfig, policy: Policy, folder: Path) -> str:
    """Return what TRL loads the model from: its own place, or a folder that is written now."""
    stored = _stored_source(config)
    if stored is not None and not isinstance(policy.model, Transformer):
        return stored
    model = policy.model
    made = (
        to_hugging_face(model) if isinstance(model, Transformer) else getattr(model, "model", None)
    )
    if made is None:
        raise unknown_name("kind of model", type(model).__name__, ["Transformer"])
    place = folder / LAYOUT
    _unmark(made)
    made.save_pretrained(str(place))
    _hugging_face_tokenizer(policy.tokenizer).save_pretrained(str(place))
    return str(place)


def _unmark(model: Any) -> None:
    """Take away the mark of a quantised file from a model whose weights are plain numbers again.

    `transformers` keeps it after it has read a GGUF file, and then refuses to save the model.
    """
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


def _stored_source(config: RunConfig) -> str | None:
    """Return where the unchanged model lies in the layout of `transformers`, None if nowhere."""
    section = config.model
    if not (section.path or section.hub) or section.gguf_file or config.warm_start is not None:
        return None
    if not section.hub:
        return str(source_of(section))
    hub = optional_import("huggingface_hub", extra="llm")
    return str(hub.snapshot_download(section.hub, revision=section.revision, local_files_only=True))


def _hugging_face_tokenizer(tokenizer: Any) -> Any:
    if hasattr(tokenizer, "to_hugging_face"):
        return tokenizer.to_hugging_face()
    inner = tokenizer.tokenizer
    if inner.pad_token_id is None:
        # TRL demands one; masks say where padding is
        inner.pad_token = inner.eos_token
    return inner


# --- questions ---


def _asked(
    config: RunConfig, data: Data, model: Any, tokenizer: Tokenizer, when: When
) -> list[EvaluationRow]:
    """Return one row per held-out example."""
    section = config.evaluation
    solved = evaluate(
        model,
        tokenizer,
        data.split.test,
        data.verify,
        n_samples=section.n_samples,
        max_new_tokens=config.sampling.max_new_tokens,
        seed=config.seed,
        temperature=section.temperature,
    )
    return [
        EvaluationRow(
            when=when,
            step=0 if when == "before" else config.optimiser.n_updates,
            example_id=prompt_id(example),
            n=len(found.completions),
            n_correct=found.n_correct,
            prompt=example.prompt,
            gold=example.answer,
            n_unscored=len(found.completions) - found.n_scored,
            completions=found.completions,
        )
        for example, found in zip(data.split.test, solved, strict=True)
    ]
