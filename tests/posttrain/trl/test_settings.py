"""Recipes as settings of TRL: what is written, what is refused, and that nothing is left out."""

import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import CapabilityError, InputError, UnknownNameError
from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.trl import RunSettings, cpu_settings, objective_to_trl_config

DEPRECATED = {"use_transformers_paged", "vllm_importance_sampling_cap"}
EITHER_OR = {"generation_batch_size"}  # follows from steps_per_generation


def made(recipe: Recipe, **sizes: Any) -> dict[str, Any]:
    return objective_to_trl_config(recipe, RunSettings("out", n_updates=10, **sizes))


def test_published_recipes_have_the_options_that_their_papers_ask_for() -> None:
    def options(recipe: Recipe) -> tuple[Any, ...]:
        found = made(recipe)
        names = ("scale_rewards", "loss_type", "importance_sampling_level", "epsilon")
        return (*(found[name] for name in names), found["epsilon_high"], found["beta"])

    assert options(o.LITE_PPO) == ("batch", "dapo", "token", 0.2, 0.2, 0.0)
    assert options(o.GRPO) == ("group", "grpo", "token", 0.2, 0.2, 0.04)
    assert options(o.DAPO) == ("group", "dapo", "token", 0.2, 0.28, 0.0)
    assert options(o.GSPO) == ("group", "grpo", "sequence", 3e-4, 4e-4, 0.0)
    # TRL takes the bound of CISPO itself
    assert options(o.CISPO) == ("group", "cispo", "token", 1.0, 5.0, 0.0)
    dr_grpo = Recipe(std="none", reduction="constant", longest=256)
    assert options(dr_grpo)[:2] == ("none", "dr_grpo")


def test_a_batch_is_cut_into_micro_batches_of_whole_processes() -> None:
    sizes = {"prompts_per_update": 16, "samples_per_prompt": 8, "rows_per_device": 4}
    found = made(o.DAPO, n_processes=2, **sizes)
    assert found["gradient_accumulation_steps"] == found["steps_per_generation"] == 16
    assert found["per_device_train_batch_size"] == 4


@pytest.mark.parametrize(
    ("recipe", "what"),
    [
        (Recipe(mean="leave_one_out", std="none"), "leave_one_out"),
        (Recipe(mean="batch"), "mean 'batch'"),
        (Recipe(std="pooled"), "pooled"),
        (Recipe(kl=0.1, kl_estimator="k2"), "estimator 'k2'"),
        (Recipe(loss="weight_clip", clip_low=0.5), "lower bound"),
        (Recipe(loss="weight_clip", clip_low=1.0, reduction="sequence_mean"), "reduction"),
        (Recipe(reduction="constant", longest=100), "divides by max_new_tokens"),
    ],
)
def test_what_trl_cannot_express_is_refused(recipe: Recipe, what: str) -> None:
    with pytest.raises(CapabilityError, match=what) as error:
        made(recipe)
    assert error.value.hint


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"samples_per_prompt": 1}, "samples_per_prompt must be at least 2"),
        ({"prompts_per_update": 0}, "prompts_per_update must be at least 1"),
        ({"rows_per_device": 7}, "do not divide"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        RunSettings("out", n_updates=1, **sizes)


def test_every_field_of_trl_that_is_not_of_transformers_is_set(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from transformers import TrainingArguments
    from trl import GRPOConfig

    own = {item.name for item in fields(GRPOConfig)}
    own -= {item.name for item in fields(TrainingArguments)}
    assert own - DEPRECATED - EITHER_OR - made(o.GRPO).keys() == set()


def test_the_options_are_taken_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from pellucid.posttrain.trl.running import grpo_config

    settings = RunSettings(str(tmp_path), n_updates=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config = grpo_config(objective_to_trl_config(o.GRPO, settings, cpu_settings()))
    assert config.num_generations == 8
    assert config.use_bias_correction_kl is False
    assert config.gradient_checkpointing is False
    with pytest.raises(UnknownNameError, match="betta") as error:
        grpo_config({"output_dir": str(tmp_path), "betta": 1.0})
    assert error.value.hint == "did you mean 'beta'?"
