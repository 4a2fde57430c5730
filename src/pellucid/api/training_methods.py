"""The settings of the native engine that a configuration asks for."""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from pellucid.api.training_config import MethodSection, RunConfig
from pellucid.api.training_data import Data, TaskPrompt
from pellucid.errors import InputError
from pellucid.io.sections import read_arguments, read_section
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods import METHODS, Method
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.objectives import CISPO, DAPO, GRPO, GSPO, LITE_PPO, Recipe
from pellucid.posttrain.tasks.example import Example, Task
from pellucid.registry import unknown_name

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {"lite-ppo": LITE_PPO, "grpo": GRPO, "dapo": DAPO, "gspo": GSPO, "cispo": CISPO}
)
_OWN_PROMPTS = MappingProxyType(
    {"hint_prompt": "hinted_prompt", "explain_prompt": "answered_prompt"}
)
"""Prompts of methods that a task may have its own way to make, and what it calls them."""
Prompt = Callable[[Example], str]


def training_config(
    config: RunConfig, data: Data, prompts: Mapping[str, Prompt] | None = None
) -> TrainingConfig:
    """Return the settings of the native engine.

    Args:
        config: The configuration.
        data: What it trains on.
        prompts: What makes prompts of contexts; `method_prompts` if None.

    Raises:
        InputError: A method, an option or a number is wrong; the message says where.
    """
    sampling, optimiser = config.sampling, config.optimiser
    return TrainingConfig(
        method=make_method(
            config.method,
            method_prompts(config.method, data.task) if prompts is None else prompts,
        ),
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


def make_method(section: MethodSection, prompts: Mapping[str, Prompt]) -> Method:
    """Return the method of a section.

    Args:
        section: The section.
        prompts: What makes prompts and texts, by argument; see `method_prompts`.

    Raises:
        InputError: An unknown name or option, or a wrong value.
    """
    options = {name: value for name, value in section.options.items() if name not in prompts}
    made = read_section(partial(METHODS[section.name], **prompts), options, where="method.options")
    return cast(Method, made)


def method_prompts(section: MethodSection, task: Task | None) -> dict[str, Prompt]:
    """Return what makes the prompts that a method asks for, where it is not the method's default.

    Raises:
        InputError: An unknown method, or a template that is wrong.
    """
    if section.name not in METHODS:
        error = unknown_name("method", section.name, list(METHODS))
        raise InputError(f"method: {error}", hint=error.hint)
    prompts: dict[str, Prompt] = {}
    hints = typing.get_type_hints(METHODS[section.name].__init__)
    for name in (name for name, hint in hints.items() if hint == Prompt):
        if name in section.options:
            prompts[name] = _template(section.options[name], name)
        elif callable(getattr(task, _OWN_PROMPTS.get(name, ""), None)):
            prompts[name] = TaskPrompt(cast(Task, task), _OWN_PROMPTS[name])
    return prompts


def _template(text: Any, name: str) -> Template:
    if not isinstance(text, str):
        raise InputError(f"method.options.{name}: expected text, got {text!r:.80}")
    try:
        return Template(text)
    except InputError as error:
        raise InputError(f"method.options.{name}: {error}", hint=error.hint) from None
