"""Credit of steps by how sure the policy was (Wang et al. 2025, EMPG).

The stand-in for agents of many turns: corridors of five locked rooms, a step for each, and one
reward at the end. Of most signs the base model is sure and right, of some it is unsure, and of a
few it is sure and wrong. It solves about a quarter of the corridors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from scipy.stats import pearsonr

from pellucid.posttrain.native import Transformer, pad_left, token_log_probs
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods import EntropyModulation, Method, Plain
from pellucid.posttrain.native.sampling import sample
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import Recipe, entropy_modulated_advantages
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.locked_rooms import STEP_END, LockedRooms, all_doors_right
from pellucid.seeds import derived_seed
from pellucid.systems.base_models import Base, Size, answers_of, success, warm_started
from pellucid.systems.divergence_path import DivergencePath

ROOMS = 5
LONGER = 8
"""Rooms of the corridors that are longer than any that is trained on."""
TOKENS_OF_STEP = 5
MAX_TOKENS = TOKENS_OF_STEP * LONGER + 2
N_PROBED = 24
"""Responses whose steps' gradients are measured one by one."""
N_DIVERGING = 64
"""Prompts whose responses tell how far a policy is from the base model."""


@lru_cache(maxsize=32)
def base_model(size: Size, seed: int) -> Base:
    """Return the base model of a seed; the arms of a seed share it."""
    world = rooms(seed)
    return warm_started(world.vocabulary, world.texts(size.n_texts, seed=seed), size, seed=seed)


def rooms(seed: int) -> LockedRooms:
    """Return the signs of a seed and what the texts say of them."""
    return LockedRooms(lengths=(ROOMS,), seed=seed)


def corridors(size: Size, seed: int) -> tuple[list[Example], list[Example], list[Example]]:
    """Return corridors to train on, others that are held out, and longer ones."""
    world = rooms(seed)
    found = world.examples(size.n_train + size.n_test, seed=seed)
    longer = world.examples(size.n_test, seed=seed, difficulty=LONGER)
    return found[: size.n_train], found[size.n_train :], longer


# --- learning ---

MODULATED = EntropyModulation(turn_separator=STEP_END)
METHODS: dict[str, Method] = {
    "groups alone": Plain(),
    "modulated": MODULATED,
    "weights alone": replace(MODULATED, bonus=0.0),
    "bonus alone": replace(MODULATED, scaling=0.0),
    "shuffled": replace(MODULATED, shuffled=True),
}
"""By arm; `shuffled` has the same weights on the wrong steps."""


@dataclass(frozen=True)
class Outcome:
    """What became of one run.

    Args:
        success: Share of held-out corridors whose doors are all right.
        longer: The same of longer corridors.
        area: Mean share of right responses while training.
        largest_rise: Of the divergence from the base model, from one update to the next, in nats
            per token; NaN without training.
    """

    success: float
    longer: float
    area: float
    largest_rise: float


@lru_cache(maxsize=256)
def learned(arm: str, size: Size, seed: int) -> Outcome:
    """Train the base model by one method.

    Args:
        arm: One of `METHODS`, or `base` for no training.
        size: Of everything.
        seed: Of the signs, the base model and the training.
    """
    base, world = base_model(size, seed), rooms(seed)
    train_on, held_out, longer = corridors(size, seed)
    model = base.copy()
    area = largest_rise = float("nan")
    if arm != "base":
        config = TrainingConfig(
            method=METHODS[arm],
            recipe=Recipe(std="group", reduction="token_mean"),
            n_updates=size.n_updates,
            prompts_per_update=size.prompts,
            samples_per_prompt=size.samples,
            max_new_tokens=MAX_TOKENS,
            learning_rate=size.learning_rate,
            seed=seed,
            patience=None,
        )
        rewards = {"right": all_doors_right}
        path = DivergencePath(
            base,
            [example.prompt for example in train_on[:N_DIVERGING]],
            MAX_TOKENS,
            derived_seed(seed, "divergence"),
        )
        history = train(
            model,
            base.tokenizer,
            train_on,
            rewards,
            config,
            progress=lambda row: path.measure(model),
        ).history
        area = float(np.mean([row.total for row in history]))
        largest_rise = path.largest_rise
    reached = [
        success(
            answers_of(
                model,
                base,
                examples,
                world.verify,
                n_samples=size.n_tries,
                max_new_tokens=MAX_TOKENS,
                seed=seed,
            )
        )
        for examples in (held_out, longer)
    ]
    return Outcome(reached[0], reached[1], area, largest_rise)


# --- gradients of steps ---


@lru_cache(maxsize=64)
def coupling(size: Size, seed: int) -> dict[str, float]:
    """Correlate the entropies of steps with the lengths of their gradients.

    The gradient is that of the mean log-probability of a step's tokens, with respect to all
    weights of the base model; the weights of the modulation multiply it.

    Returns:
        The correlation `before` and `after` the modulation.
    """
    base = base_model(size, seed)
    examples = corridors(size, seed)[0][:N_PROBED]
    tokenizer = base.tokenizer
    drawn = sample(
        base.model,
        [tokenizer.encode(example.prompt) for example in examples],
        max_new_tokens=MAX_TOKENS,
        eos_id=tokenizer.eos_id,
        pad_id=tokenizer.pad_id,
        generator=torch.Generator().manual_seed(derived_seed(seed, "coupling")),
    )
    entropies, lengths = [], []
    for example, ids in zip(examples, drawn.completions(), strict=True):
        of_steps = _steps(base, example.prompt, ids)
        entropies.append([entropy for entropy, _ in of_steps])
        lengths.append([length for _, length in of_steps])
    widest = max(len(one) for one in entropies)
    table = torch.full((len(entropies), widest), torch.nan, dtype=torch.float64)
    for row, values in enumerate(entropies):
        table[row, : len(values)] = torch.tensor(values)
    weights = entropy_modulated_advantages(torch.ones(len(table)), table).ledger["weights"]
    present = ~torch.isnan(table)
    flat = np.concatenate([np.array(one) for one in lengths])
    steps = table[present].numpy()
    modulated = flat * weights[present].numpy()
    return {"before": _correlation(steps, flat), "after": _correlation(steps, modulated)}


def _steps(base: Base, prompt: str, ids: Sequence[int]) -> list[tuple[float, float]]:
    """Return mean entropy and gradient length of each step of a response."""
    model: Transformer = base.model
    tokenizer = base.tokenizer
    end = tokenizer.encode(STEP_END)[0]
    ends = [place + 1 for place, token in enumerate(ids) if token == end] or [len(ids)]
    scored = token_log_probs(
        model,
        *pad_left([tokenizer.encode(prompt)], pad_id=tokenizer.pad_id),
        *pad_left([list(ids)], pad_id=tokenizer.pad_id),
    )
    found = []
    weights = list(model.parameters())
    for first, last in zip([0, *ends[:-1]], ends, strict=True):
        gradients = torch.autograd.grad(
            scored.log_probs[0, first:last].mean(), weights, retain_graph=True
        )
        length = torch.stack([part.square().sum() for part in gradients]).sum().sqrt()
        found.append((float(scored.entropies[0, first:last].detach().mean()), float(length)))
    return found


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(pearsonr(one, other).statistic)
