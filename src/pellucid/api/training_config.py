"""The configuration of `pellucid train`: what a YAML file may say, and what it means.

Each section is a dataclass; unknown keys are refused with the nearest one. What a method, a task or
a reward takes is checked when it is built.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pellucid.envs.naming import read_yaml
from pellucid.errors import InputError
from pellucid.io.files import read_bytes
from pellucid.io.sections import read_section, with_changes
from pellucid.posttrain.recording.keeping import KeepLimits

MAX_CONFIG_BYTES = 1_000_000
PLAIN = "{prompt}"
"""The template that leaves prompts as they are."""
EngineName = Literal["native", "trl"]


@dataclass(frozen=True)
class ModelSection:
    """The policy: the in-house model if neither `path`, `hub` nor `package` is given.

    Args:
        layers: Of the in-house model.
        width: Of the in-house model.
        heads: Of the in-house model.
        context_length: Of the in-house model, tokens of prompt and completion together.
        tied: Whether the in-house model's output map is its embedding.
        rotary_base: Of the in-house model; small for short contexts, so that no part of a head is
            left without use.
        initial_weights: Of the in-house model; `narrow` suits one or two layers up to 128 wide.
        tokenizer: Of the in-house model: one token per word (parted by single spaces) or per
            character; by default words where the task has a list of them.
        path: Folder of a model in the layout of `transformers`, or one that `pellucid train` wrote.
        hub: Id on the Hugging Face hub.
        package: Python package that holds the model's file.
        revision: Of the hub's model; a commit is the only one that stays what it is.
        gguf_file: Name of a GGUF file in the folder, hub model or package.
        dtype: Of the weights of a model that is loaded.
        device: `cpu`, `cuda`, …; of the native engine.
        chat: Ask through the tokenizer's chat template.
        adapters: Low-rank adapters in place of all weights (`rank`, `scale`, `dropout`), for the
            TRL engine.
    """

    layers: int = 2
    width: int = 64
    heads: int = 4
    context_length: int = 256
    tied: bool = False
    rotary_base: float = 100.0
    initial_weights: Literal["narrow", "deep"] = "narrow"
    tokenizer: Literal["words", "characters"] | None = None
    path: str | None = None
    hub: str | None = None
    package: str | None = None
    revision: str | None = None
    gguf_file: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "cpu"
    chat: bool = False
    adapters: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("path", "hub", "package") if getattr(self, name)]
        if len(given) > 1:
            raise InputError(f"expected one of path, hub and package, got {' and '.join(given)}")
        if self.package and not self.gguf_file:
            raise InputError("a model in a package needs gguf_file, the name of its file")
        if self.revision and not self.hub:
            raise InputError("a revision belongs to hub")

    @property
    def in_house(self) -> bool:
        """Whether the model is made here and not loaded."""
        return not (self.path or self.hub or self.package)


@dataclass(frozen=True)
class Mixture:
    """One kind of text that the base model is made from.

    Args:
        share: Of all texts, relative to the other kinds.
        prompt: Template over the fields of an example.
        completion: Template over the fields of an example.
        difficulty: Only of these difficulties; the task's mixture if None.
    """

    share: float = 1.0
    prompt: str = PLAIN
    completion: str = "{rationale}"
    difficulty: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.share > 0:
            raise InputError(f"share must be positive, got {self.share}")


@dataclass(frozen=True)
class WarmStart:
    """Supervised training before the method starts: it makes the base model.

    Args:
        n_steps: Optimiser steps.
        n_texts: Texts that are drawn once and gone through again and again.
        batch_size: Texts per step.
        learning_rate: Of the optimiser.
        texts: Options of the task's own texts, such as their shares.
        mixture: Kinds of text, for a task without texts of its own; prompt and rationale if empty.
    """

    n_steps: int = 400
    n_texts: int = 2000
    batch_size: int = 32
    learning_rate: float = 3e-3
    texts: Mapping[str, Any] = field(default_factory=dict)
    mixture: tuple[Mixture, ...] = ()

    def __post_init__(self) -> None:
        for name in ("n_steps", "n_texts", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class TaskSection:
    """A procedural task.

    Args:
        name: Of the task.
        n_train: Examples to train on.
        n_test: Held-out examples, of other groups.
        difficulty: Difficulties of the examples to train on, in the task's unit, equally often;
            its mixture if None.
        test_difficulty: Those of the held-out examples; the same if None.
        options: Of the task.
        prompt: Template over an example's fields that the policy is given.
    """

    name: str
    n_train: int = 512
    n_test: int = 128
    difficulty: tuple[float, ...] | None = None
    test_difficulty: tuple[float, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = PLAIN

    def __post_init__(self) -> None:
        for name in ("n_train", "n_test"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class DatasetSection:
    """Stored examples, in JSONL or Parquet.

    Args:
        path: A file or a folder.
        columns: Column of each field of an example, where the names differ.
        answer_form: Where the answer stands in its column.
        split: Part of a folder with several.
        test_share: Share of the groups that is held out.
        n_train: Most examples to train on; all if None.
        n_test: Most held-out examples; all if None.
        prompt: Template over an example's fields that the policy is given.
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    answer_form: Literal["whole", "marker", "tag", "boxed"] = "whole"
    split: str | None = None
    test_share: float = 0.1
    n_train: int | None = None
    n_test: int | None = None
    prompt: str = PLAIN


@dataclass(frozen=True)
class RewardSection:
    """One component of the reward.

    Args:
        name: Of the reward; `solved` asks the task itself.
        weight: In the sum; a component of weight 0 is measured and not learned.
        options: Of the reward.
        called: Its name in the record; that of the reward if empty.
    """

    name: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    called: str = ""


@dataclass(frozen=True)
class MethodSection:
    """What is learned of the samples.

    Args:
        name: Of the method.
        options: Of the method; prompts are templates such as `{prompt} ({hint})`, and the task's
            own ones if it has some.
        recipe: A published combination that `objective` starts from.
        objective: Advantage, loss and reduction, where they differ from the recipe.
    """

    name: str = "plain"
    options: Mapping[str, Any] = field(default_factory=dict)
    recipe: Literal["lite-ppo", "grpo", "dapo", "gspo", "cispo"] = "lite-ppo"
    objective: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SamplingSection:
    """How completions are drawn.

    Args:
        prompts_per_update: Prompts of one update.
        samples_per_prompt: Completions of each.
        max_new_tokens: Longest completion.
        temperature: Of sampling, and of all that is computed of the policy.
        top_k: Only the k likeliest tokens; 0 for all.
        top_p: Only the likeliest tokens that hold this probability; 1 for all.
        mask_cut: Leave completions that were cut off out of the loss.
    """

    prompts_per_update: int = 16
    samples_per_prompt: int = 8
    max_new_tokens: int = 64
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    mask_cut: bool = False


@dataclass(frozen=True)
class OptimiserSection:
    """How the weights move.

    Args:
        n_updates: Updates.
        learning_rate: Of AdamW.
        warmup_updates: Updates over which it grows from 0.
        weight_decay: Of AdamW.
        max_grad_norm: The gradient is clipped to this length.
        passes: Optimiser steps on each batch.
        rows_per_micro_batch: Completions computed at once; all if None.
        checkpoint_every: Updates between checkpoints.
        patience: Updates without any gradient or change that stop the run; never if None.
    """

    n_updates: int = 100
    learning_rate: float = 1e-3
    warmup_updates: int = 0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    passes: int = 1
    rows_per_micro_batch: int | None = None
    checkpoint_every: int = 50
    patience: int | None = 50


@dataclass(frozen=True)
class EvaluationSection:
    """What is asked on held-out examples before, during and after training.

    Args:
        n_samples: Completions per example.
        k: Numbers of tries of pass@k, each at most `n_samples`.
        temperature: Of these completions.
        every: Updates between evaluations during training; None for none.
    """

    n_samples: int = 8
    k: tuple[int, ...] = (1, 4, 8)
    temperature: float = 1.0
    every: int | None = None

    def __post_init__(self) -> None:
        if self.n_samples < 1:
            raise InputError(f"n_samples must be at least 1, got {self.n_samples}")
        wrong = [k for k in self.k if not 1 <= k <= self.n_samples]
        if wrong:
            raise InputError(f"k must lie in 1..n_samples = {self.n_samples}, got {wrong[0]}")


@dataclass(frozen=True)
class RunConfig:
    """A whole configuration.

    Args:
        rewards: Components of the reward.
        task: Where examples come from, if not from a data set.
        dataset: Where examples come from, if not from a task.
        model: The policy.
        warm_start: Supervised training before; None for none.
        method: What is learned.
        sampling: How completions are drawn.
        optimiser: How the weights move.
        evaluation: What is asked on held-out examples.
        recording: How much is kept.
        gpu: For the TRL engine on a GPU (`activation_checkpointing`); a CPU if None.
        vllm: Generation with vLLM (`mode`, `memory`, `longest`, …); by `transformers` if None.
        gold: The reward component that says whether an answer is right; `solved` if it is there.
        engine: Which engine trains.
        seed: Of everything.
        purpose: What the run is for, in a sentence.
    """

    rewards: tuple[RewardSection, ...]
    task: TaskSection | None = None
    dataset: DatasetSection | None = None
    model: ModelSection = field(default_factory=ModelSection)
    warm_start: WarmStart | None = None
    method: MethodSection = field(default_factory=MethodSection)
    sampling: SamplingSection = field(default_factory=SamplingSection)
    optimiser: OptimiserSection = field(default_factory=OptimiserSection)
    evaluation: EvaluationSection = field(default_factory=EvaluationSection)
    recording: KeepLimits = field(default_factory=KeepLimits)
    gpu: Mapping[str, Any] | None = None
    vllm: Mapping[str, Any] | None = None
    gold: str | None = None
    engine: EngineName = "native"
    seed: int = 0
    purpose: str = ""

    def __post_init__(self) -> None:
        if (self.task is None) == (self.dataset is None):
            got = "neither" if self.task is None else "both"
            raise InputError(f"expected a task or a dataset, got {got}")
        if not self.rewards:
            raise InputError("expected at least one reward, got none")
        names = [reward.called or reward.name for reward in self.rewards]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise InputError(
                f"two rewards are called {twice[0]!r}", hint="give one of them another `called`"
            )
        if self.engine == "native" and (self.vllm is not None or self.model.adapters is not None):
            what = "vllm" if self.vllm is not None else "model.adapters"
            raise InputError(f"{what} needs the engine trl", hint="engine: trl, or --engine trl")
        if self.seed < 0:
            raise InputError(f"seed must not be negative, got {self.seed}")

    def document(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return dataclasses.asdict(self)


def load_config(
    path: Path,
    changes: Sequence[str] = (),
    *,
    engine: str | None = None,
    seed: int | None = None,
) -> RunConfig:
    """Return the configuration in a YAML file.

    Args:
        path: The file.
        changes: `a.b=value`, in the order in which they apply; values are YAML.
        engine: In place of the file's.
        seed: In place of the file's.

    Raises:
        DataError: The file cannot be read.
        InputError: It is no YAML that can be read, or something in it is wrong; the message says
            where.
    """
    content = read_bytes(path, max_bytes=MAX_CONFIG_BYTES)
    document = read_yaml(content, where=str(path))
    named = {"engine": engine, "seed": None if seed is None else str(seed)}
    own = {key: value for key, value in named.items() if value is not None}
    changed = with_changes(document, {**dict(map(_change, changes)), **own}, where="--set")
    try:
        return read_section(RunConfig, changed, where="")
    except InputError as error:
        raise type(error)(f"{path}: {error}", hint=error.hint) from None


def _change(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not all(name.split(".")):
        raise InputError(f"--set: expected a.b=value, got {text!r:.80}")
    return name.strip(), read_yaml(value.encode(), where=f"--set {name.strip()}")
