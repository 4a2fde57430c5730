"""The policy of a training run: made here, warmed up, stored, or loaded."""

import dataclasses
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pellucid.api.training_config import Mixture, ModelSection, RunConfig, WarmStart
from pellucid.api.training_data import Data
from pellucid.api.training_methods import method_prompts
from pellucid.errors import DataError, InputError
from pellucid.io import atomic, strict_json
from pellucid.io.arrays import save_arrays
from pellucid.io.artifacts import read_safetensors
from pellucid.io.documents import check_seal, sealed
from pellucid.io.imports import optional_import
from pellucid.io.records import check_stamp, stamp
from pellucid.io.sections import read_arguments
from pellucid.posttrain.native import (
    CharacterTokenizer,
    LanguageModel,
    Tokenizer,
    Transformer,
    TransformerConfig,
    WordTokenizer,
    fine_tune,
    tokenizer_of,
)
from pellucid.posttrain.native.initial_weights import fan_in_weights
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.tasks.example import Example, Task
from pellucid.posttrain.tasks.splits import Split
from pellucid.seeds import derived_seed, stream

SCHEMA = 1
MODEL_FILE, WEIGHTS_FILE = "model.json", "model.safetensors"
KIND = "transformer"
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Policy:
    """A model with its tokenizer.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        named: What it is called in the record.
    """

    model: LanguageModel
    tokenizer: Tokenizer
    named: str

    @property
    def module(self) -> nn.Module:
        """The model as torch sees it.

        Raises:
            InputError: It is none of torch's.
        """
        if not isinstance(self.model, nn.Module):
            raise InputError(f"expected a torch module to train, got {type(self.model).__name__}")
        return self.model


def make_policy(config: RunConfig, data: Data, folder: Path | None = None) -> Policy:
    """Return the policy as it is before its first update.

    Args:
        config: The configuration.
        data: What it is trained on.
        folder: Where the warm-started in-house model is stored and, the next time, read; None to
            store nothing.

    Raises:
        InputError: The model cannot be made or loaded, or the warm start does not fit it.
    """
    if not config.model.in_house:
        policy = load_pretrained(config.model)
        if config.warm_start is not None:
            _warm_up(policy, config.warm_start, _texts(config, data), config.seed)
        return policy
    if folder is not None and (folder / MODEL_FILE).is_file():
        return load_model(folder)
    texts = [] if config.warm_start is None else _texts(config, data)
    policy = _in_house(config, data, texts)
    if config.warm_start is not None:
        _warm_up(policy, config.warm_start, texts, config.seed)
    if folder is not None:
        save_model(policy, folder)
    return policy


def save_model(policy: Policy, folder: Path) -> None:
    """Write an in-house model and its tokenizer into a folder, which is made if need be.

    Raises:
        InputError: It is no in-house model.
    """
    model, tokenizer = policy.model, policy.tokenizer
    if not isinstance(model, Transformer) or not hasattr(tokenizer, "document"):
        raise InputError("only the in-house model is stored so; another has its own format")
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    # the weights first: the other file is what makes them count
    save_arrays(folder / WEIGHTS_FILE, weights)
    document = {
        **stamp(SCHEMA),
        "kind": KIND,
        "config": dataclasses.asdict(model.config),
        "tokenizer": tokenizer.document(),
    }
    atomic.write_text(folder / MODEL_FILE, strict_json.dumps(sealed(document), indent=1) + "\n")


def load_model(folder: Path) -> Policy:
    """Return what `save_model` wrote.

    Raises:
        DataError: A file is missing, damaged or of a newer version.
    """
    path = folder / MODEL_FILE
    document = strict_json.read(path)
    check_stamp(document, newest=SCHEMA, where=str(path))
    if document.get("kind") != KIND:
        raise DataError(f"{path} holds no model of pellucid")
    check_seal(document, where=str(path))
    try:
        config = TransformerConfig(**document["config"])
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged: {error}") from None
    model = Transformer(config, seed=0)
    weights = read_safetensors(folder / WEIGHTS_FILE).state_dict
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise DataError(f"{folder} holds weights of another model: {str(error)[:200]}") from None
    tokenizer = tokenizer_of(document["tokenizer"], where=str(path))
    return Policy(model, tokenizer, f"in-house, {_shape(config)}")


# --- the in-house model ---


def _in_house(config: RunConfig, data: Data, texts: Pairs) -> Policy:
    tokenizer = _tokenizer(config, data, texts)
    section = config.model
    shape = TransformerConfig(
        vocab_size=tokenizer.vocab_size,
        n_layers=section.layers,
        width=section.width,
        n_heads=section.heads,
        context_length=section.context_length,
        tied=section.tied,
        rotary_base=section.rotary_base,
    )
    seed = derived_seed(config.seed, "train", "model")
    model = Transformer(shape, seed=seed)
    if section.initial_weights == "narrow":
        fan_in_weights(model, seed=seed)
    model.to(torch.device(section.device))
    return Policy(model, tokenizer, f"in-house, {_shape(shape)}")


def _shape(config: TransformerConfig) -> str:
    return f"{config.n_layers} layers of width {config.width}"


def _tokenizer(config: RunConfig, data: Data, texts: Pairs) -> Tokenizer:
    listed = getattr(data.task, "vocabulary", None)
    kind = config.model.tokenizer or ("characters" if listed is None else "words")
    if kind == "words" and listed is not None:
        return WordTokenizer(listed)
    found = _all_texts(config, data, texts)
    if kind == "words":
        words = {word for text in found for word in text.split(" ")} - {""}
        return WordTokenizer(sorted(words))
    return CharacterTokenizer(sorted({character for text in found for character in text}))


def _all_texts(config: RunConfig, data: Data, texts: Pairs) -> Iterable[str]:
    """Yield every text that the policy may have to read or should be able to write."""
    yield "0 1 2 3 4 5 6 7 8 9"
    makers = method_prompts(config.method, data.task).values()
    for example in (*data.split.train, *data.split.test):
        yield from (example.prompt, example.answer, example.rationale or "")
        yield from (make(example) for make in makers if _can_make(make, example))
    for prompt, completion in texts:
        yield from (prompt, completion)


def _can_make(make: Callable[[Example], str], example: Example) -> bool:
    """Whether an example has what a prompt needs: without a hint it is never hinted."""
    try:
        make(example)
    except InputError:
        return False
    return True


# --- the warm start ---


def _warm_up(policy: Policy, section: WarmStart, texts: Pairs, seed: int) -> None:
    fine_tune(
        policy.model,
        policy.tokenizer,
        texts,
        n_steps=section.n_steps,
        batch_size=section.batch_size,
        learning_rate=section.learning_rate,
        seed=derived_seed(seed, "train", "warm start"),
    )
    # its last gradient must not be part of the first update
    policy.module.zero_grad(set_to_none=True)


def _texts(config: RunConfig, data: Data) -> Pairs:
    """Return the texts that make the base model."""
    section = config.warm_start
    assert section is not None  # asked for only where there is one
    make = getattr(data.task, "texts", None)
    seed = derived_seed(config.seed, "train", "texts")
    if make is not None:
        if section.mixture:
            raise InputError(
                "warm_start.mixture: this task writes its own texts", hint="use warm_start.texts"
            )
        own = {"n_texts": str(section.n_texts), "seed": str(seed), **section.texts}
        held_out = {example.prompt for example in data.split.test}
        pairs = make(**read_arguments(make, own, where="warm_start.texts"))
        return [pair for pair in pairs if pair[0] not in held_out]
    if section.texts:
        raise InputError(
            "warm_start.texts: this task has no texts of its own", hint="use warm_start.mixture"
        )
    return mixed_texts(
        section.mixture or (Mixture(),),
        data.task,
        data.split,
        n_texts=section.n_texts,
        seed=seed,
    )


def mixed_texts(
    mixture: Sequence[Mixture],
    task: Task | None,
    split: Split,
    *,
    n_texts: int,
    seed: int,
) -> Pairs:
    """Return (prompt, completion) pairs of several kinds, shuffled; none of a held-out group.

    Args:
        mixture: The kinds and their shares.
        task: Draws fresh examples of a kind's difficulties; None takes those to train on.
        split: Examples to train on, and held-out ones, whose groups are left out.
        n_texts: Pairs in all, held-out ones included.
        seed: Of the draws.

    Raises:
        InputError: An example lacks a field of a template, or there are none of a difficulty.
    """
    total = sum(kind.share for kind in mixture)
    held_out = {example.group_id for example in split.test}
    pairs: Pairs = []
    for number, kind in enumerate(mixture):
        n_wanted = max(1, round(n_texts * kind.share / total))
        prompt, completion = Template(kind.prompt), Template(kind.completion)
        examples = _of_kind(kind, task, split.train, n_wanted, derived_seed(seed, number))
        pairs += [(prompt(e), completion(e)) for e in examples if e.group_id not in held_out]
    order = stream(seed, "order").permutation(len(pairs))
    return [pairs[i] for i in order]


def _of_kind(
    kind: Mixture, task: Task | None, train: Sequence[Example], n_wanted: int, seed: int
) -> list[Example]:
    if task is None:
        chosen = [e for e in train if kind.difficulty is None or e.difficulty in kind.difficulty]
        if not chosen:
            raise InputError(f"there is no example of difficulty {kind.difficulty} to train on")
        rng = stream(seed, "examples")
        return [chosen[i] for i in rng.integers(len(chosen), size=n_wanted)]
    if kind.difficulty is None:
        return task.examples(n_wanted, seed=seed)
    found: list[Example] = []
    for place, difficulty in enumerate(kind.difficulty):
        share = n_wanted // len(kind.difficulty) + (place < n_wanted % len(kind.difficulty))
        if share:
            own_seed = derived_seed(seed, place)
            found += task.examples(share, seed=own_seed, difficulty=difficulty)
    return found


# --- models of others ---


def load_pretrained(section: ModelSection) -> Policy:
    """Return a model that is loaded from a folder, a package or the hub's local cache.

    Raises:
        InputError: It is not on this machine, or `transformers` is not installed.
        ArtifactError: It is damaged, or asks for code of its own.
    """
    if section.path and (Path(section.path) / MODEL_FILE).is_file():
        return load_model(Path(section.path))
    folders = optional_import("pellucid.posttrain.native.model_folders", extra="llm")
    # its bars would run into ours
    optional_import("transformers.utils.logging", extra="llm").disable_progress_bar()
    opened = folders.open_language_model(
        source_of(section), revision=section.revision, gguf=section.gguf_file
    )
    named = section.hub or section.package or str(section.path)
    module: nn.Module = opened.model
    module.to(device=torch.device(section.device), dtype=getattr(torch, section.dtype))
    return Policy(opened.model, opened.tokenizer, named)


def source_of(section: ModelSection) -> str | Path:
    """Return the folder or the hub id of a model that is loaded.

    Raises:
        InputError: Its package is not installed, or no name of one.
    """
    if section.package:
        if not section.package.isidentifier():  # looking for a part would import the whole
            raise InputError(f"expected the name of a package, got {section.package!r:.60}")
        spec = importlib.util.find_spec(section.package)  # finds it; nothing of it is run
        if spec is None or spec.origin is None:
            raise InputError(
                f"the package {section.package!r:.60} is not installed",
                hint="install the distribution that has the model",
            )
        return Path(spec.origin).parent
    return Path(section.path) if section.path else str(section.hub)


def describe(policy: Policy) -> dict[str, Any]:
    """Return what the record says of a policy."""
    n_parameters = sum(weight.numel() for weight in policy.module.parameters())
    return {"model": policy.named, "n_parameters": n_parameters}
