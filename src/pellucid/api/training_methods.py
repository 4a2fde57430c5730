"""The settings of the native engine that a configuration asks for."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from pellucid.api.training_config import MethodSection, RunConfig
from pellucid.api.training_data import Data, context_prompt
from pellucid.errors import InputError
from pellucid.io.sections import read_arguments, read_section
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods import Method, Plain
from pellucid.posttrain.objectives import CISPO, DAPO, GRPO, GSPO, LITE_PPO, Recipe
from pellucid.registry import unknown_name

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {"lite-ppo": LITE_PPO, "grpo": GRPO, "dapo": DAPO, "gspo": GSPO, "cispo": CISPO}
)
METHODS: Mapping[str, Callable[..., Method]] = MappingProxyType({"plain": Plain})
"""What a configuration can name; their options are their fields."""
_PROMPTS = MappingProxyType({"hint_prompt": "hinted_prompt", "explain_prompt": "answered_prompt"})
"""Arguments of methods that make prompts, and what a task calls the same."""


def training_config(config: RunConfig, data: Data) -> TrainingConfig:
    """Return the settings of the native engine.

    Raises:
        InputError: A method, an option or a number is wrong; the message says where.
    """
    sampling, optimiser = config.sampling, config.optimiser
    return TrainingConfig(
        method=make_method(config.method, data),
        recipe=make_recipe(config.method),
        reward_weights=data.weights,
        gold=data.gold,
        n_updates=optimiser.n_updates,
        prompts_per_update=sampling.prompts_per_update,
        samples_per_prompt=sampling.samples_per_prompt,
        max_new_tokens=sampling.max_new_tokens,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        mask_cut=sampling.mask_cut,
        passes=optimiser.passes,
        learning_rate=optimiser.learning_rate,
        warmup_updates=optimiser.warmup_updates,
        weight_decay=optimiser.weight_decay,
        max_grad_norm=optimiser.max_grad_norm,
        rows_per_micro_batch=optimiser.rows_per_micro_batch,
        checkpoint_every=optimiser.checkpoint_every,
        patience=optimiser.patience,
        seed=config.seed,
    )


def make_recipe(section: MethodSection) -> Recipe:
    """Return the recipe of a section with what it changes.

    Raises:
        InputError: An unknown key or a wrong value.
    """
    where = "method.objective"
    changes = read_arguments(Recipe, section.objective, where=where)
    try:
        return dataclasses.replace(RECIPES[section.recipe], **changes)
    except InputError as error:
        raise InputError(f"{where}: {error}", hint=error.hint) from None


def make_method(section: MethodSection, data: Data) -> Method:
    """Return the method of a section.

    Raises:
        InputError: An unknown name or option, or a wrong value.
    """
    if section.name not in METHODS:
        error = unknown_name("method", section.name, list(METHODS))
        raise InputError(f"method: {error}", hint=error.hint)
    make = METHODS[section.name]
    where = "method.options"
    prompts = _prompts(make, section, data)
    taken = [name for name in section.options if name in prompts]
    if taken:
        raise InputError(f"{where}: {taken[0]!r} stands beside options, as method.{taken[0]}")
    return read_section(partial(make, **prompts), section.options, where=where)


def _prompts(make: Any, section: MethodSection, data: Data) -> dict[str, Any]:
    """Return the makers of prompts that a method takes."""
    known = inspect.signature(make).parameters
    return {
        argument: context_prompt(data.task, called, getattr(section, argument))
        for argument, called in _PROMPTS.items()
        if argument in known
    }
