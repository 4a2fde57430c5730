"""Recipes and machines as settings of TRL's `GRPOConfig`; needs no subclass, and no TRL to run.

Every field of TRL that changes what is learned is set, because its defaults change between
releases. What TRL cannot express is refused, with what to use instead.

Where plain TRL still differs from `objectives`: it adds 1e-4 to the standard deviation (here
1e-6); a response that no reward could score gets advantage 0 but counts in the divisor of the
loss; a missing component is left out of the sum; ratios are not bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.trl.resuming import N_KEPT

_LOSS_TYPES = {
    "token_mean": "dapo",
    "sequence_mean": "grpo",
    "sequence_sum": "luspo",
    "constant": "dr_grpo",
}


@dataclass(frozen=True)
class RunSettings:
    """How much is sampled and learned; what a recipe leaves open.

    Args:
        output_dir: Where TRL writes checkpoints.
        n_updates: Batches of completions that are learned from.
        prompts_per_update: Distinct prompts of a batch, over all processes.
        samples_per_prompt: Completions of each.
        rows_per_device: Completions that one device scores at a time; must divide the batch.
        max_new_tokens: Limit of a completion.
        temperature: Of sampling and of scoring.
        learning_rate: Peak.
        schedule: Name of the learning-rate schedule.
        warmup_steps: Of the schedule, in updates.
        max_grad_norm: Where the gradient is cut.
        n_passes: Optimiser steps on each batch.
        reward_weights: One per reward function, in order; 1 each if None.
        mask_cut: Whether completions that reached the limit teach nothing.
        n_processes: Processes that share the batch.
        save_steps: Updates between checkpoints; 0 for none.
        seed: Of everything.

    Raises:
        InputError: A size below 1, or a batch that does not divide.
    """

    output_dir: str
    n_updates: int
    prompts_per_update: int = 16
    samples_per_prompt: int = 8
    rows_per_device: int = 8
    max_new_tokens: int = 256
    temperature: float = 1.0
    learning_rate: float = 1e-6
    schedule: str = "constant"
    warmup_steps: int = 0
    max_grad_norm: float = 1.0
    n_passes: int = 1
    reward_weights: Sequence[float] | None = None
    mask_cut: bool = False
    n_processes: int = 1
    save_steps: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "n_updates",
            "prompts_per_update",
            "rows_per_device",
            "max_new_tokens",
            "n_passes",
            "n_processes",
        ):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.samples_per_prompt < 2:
            raise InputError(
                f"samples_per_prompt must be at least 2, got {self.samples_per_prompt}"
            )
        n_rows = self.prompts_per_update * self.samples_per_prompt
        if n_rows % (self.rows_per_device * self.n_processes):
            raise InputError(
                f"{n_rows} completions per update do not divide into {self.n_processes} processes "
                f"of {self.rows_per_device} rows",
                hint="choose rows_per_device so that it divides the completions of a process",
            )

    @property
    def micro_batches(self) -> int:
        """How many times a process goes forward and backward per optimiser step."""
        n_rows = self.prompts_per_update * self.samples_per_prompt
        return n_rows // (self.rows_per_device * self.n_processes)


def objective_to_trl_config(
    recipe: Recipe, settings: RunSettings, *machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of `trl.GRPOConfig` with which stock TRL follows a recipe.

    Args:
        recipe: Any that TRL can express.
        settings: Sizes and optimiser.
        machine: Further arguments: `cpu_settings()`, `gpu_settings()`, `vllm_settings(...)`; later
            ones win.

    Raises:
        CapabilityError: TRL has no option for the recipe.

    Example:
        >>> from pellucid.posttrain.objectives import LITE_PPO
        >>> config = objective_to_trl_config(LITE_PPO, RunSettings("out", n_updates=100))
        >>> config["scale_rewards"], config["loss_type"], config["beta"]
        ('batch', 'dapo', 0.0)
    """
    config = {**_run_options(settings), **_neutral_options(), **_objective_options(recipe)}
    if recipe.reduction == "constant" and recipe.longest != settings.max_new_tokens:
        raise CapabilityError(
            f"TRL divides by max_new_tokens ({settings.max_new_tokens}), the recipe by "
            f"{recipe.longest}",
            hint="set `longest` of the recipe to max_new_tokens",
        )
    for options in machine:
        config.update(options)
    return config


def _objective_options(recipe: Recipe) -> dict[str, Any]:
    """Return the options that say what is minimised."""
    if recipe.mean != "group":
        raise _not_in_trl(f"the mean '{recipe.mean}'")
    if recipe.std == "pooled":
        raise _not_in_trl("the standard deviation 'pooled'")
    if recipe.kl and recipe.kl_estimator != "k3":
        raise _not_in_trl(f"the divergence estimator '{recipe.kl_estimator}'")
    clip = recipe.loss == "weight_clip"
    if clip and (recipe.reduction != "token_mean" or recipe.clip_low != 1.0):
        raise _not_in_trl("a clipped weight with a lower bound or another reduction")
    return {
        "scale_rewards": recipe.std,
        "multi_objective_aggregation": "sum_then_normalize",
        "loss_type": "cispo" if clip else _LOSS_TYPES[recipe.reduction],
        "importance_sampling_level": "sequence" if recipe.loss == "sequence_clip" else "token",
        "epsilon": recipe.clip_low,
        # for cispo, TRL takes the bound itself and not its distance from 1
        "epsilon_high": 1.0 + recipe.clip_high if clip else recipe.clip_high,
        "beta": recipe.kl,
        # True would multiply the divergence by the ratio, with its gradient: another estimator
        "use_bias_correction_kl": False,
    }


def _run_options(settings: RunSettings) -> dict[str, Any]:
    """Return the options that say how much is sampled and learned."""
    weights = settings.reward_weights
    return {
        "output_dir": settings.output_dir,
        # TRL counts optimiser steps
        "max_steps": settings.n_updates * settings.n_passes,
        "per_device_train_batch_size": settings.rows_per_device,
        "gradient_accumulation_steps": settings.micro_batches,
        "steps_per_generation": settings.micro_batches,
        "num_iterations": settings.n_passes,
        "num_generations": settings.samples_per_prompt,
        "num_generations_eval": settings.samples_per_prompt,
        "max_completion_length": settings.max_new_tokens,
        "temperature": settings.temperature,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": settings.warmup_steps * settings.n_passes,
        "max_grad_norm": settings.max_grad_norm,
        "weight_decay": 0.0,
        "reward_weights": None if weights is None else list(weights),
        "mask_truncated_completions": settings.mask_cut,
        "save_strategy": "steps" if settings.save_steps else "no",
        **_saving(settings),
        "logging_steps": 1,
        # True would log the last finite loss in place of one that is not
        "logging_nan_inf_filter": False,
        "seed": settings.seed,
    }


def _saving(settings: RunSettings) -> dict[str, Any]:
    if not settings.save_steps:
        return {}
    return {"save_steps": settings.save_steps * settings.n_passes, "save_total_limit": N_KEPT}


def _neutral_options() -> dict[str, Any]:
    """Return everything else that could change what is sampled or learned, switched off."""
    return {
        "model_init_kwargs": None,
        "trust_remote_code": False,
        "router_aux_loss_coef": None,
        "disable_dropout": True,
        "cast_lm_head_to_fp32": False,
        "remove_unused_columns": False,
        "shuffle_dataset": True,
        "pad_to_multiple_of": None,
        "ds3_gather_for_generation": True,
        "top_p": 1.0,
        "top_k": 0,
        "min_p": None,
        "repetition_penalty": 1.0,
        "generation_kwargs": None,
        "chat_template_kwargs": None,
        "cache_implementation": None,
        "delta": None,
        "sapo_temperature_neg": 1.05,
        "sapo_temperature_pos": 1.0,
        "vespo_k_pos": 2.0,
        "vespo_lambda_pos": 3.0,
        "vespo_k_neg": 3.0,
        "vespo_lambda_neg": 2.0,
        "sync_ref_model": False,
        "ref_model_mixup_alpha": 0.6,
        "ref_model_sync_steps": 512,
        "top_entropy_quantile": 1.0,
        "entropy_coef": 0.0,
        "use_adaptive_entropy": False,
        "entropy_coef_min": 0.0,
        "entropy_coef_max": 1.0,
        "entropy_coef_delta": 0.005,
        "entropy_target": 0.2,
        "max_tool_calling_iterations": None,
        "off_policy_mask_threshold": None,
        "log_completions": False,
        "log_multimodal": False,
        "num_completions_to_print": None,
        "log_unique_prompts": False,
        "log_completions_hub_repo": None,
        "use_transformers_continuous_batching": False,
        "transformers_continuous_batching_config": None,
        "use_vllm": False,
        **_VLLM_OFF,
        "report_to": "none",
    }


_VLLM_OFF: dict[str, Any] = {
    "vllm_mode": "colocate",
    "vllm_model_impl": "vllm",
    "vllm_enable_sleep_mode": False,
    "vllm_structured_outputs_regex": None,
    "vllm_server_base_url": None,
    "vllm_server_host": "127.0.0.1",
    "vllm_server_port": 8000,
    "vllm_server_timeout": 240.0,
    "vllm_group_port": 51216,
    "vllm_gpu_memory_utilization": 0.3,
    "vllm_max_model_length": None,
    "vllm_tensor_parallel_size": 1,
    "vllm_importance_sampling_correction": False,
    "vllm_importance_sampling_mode": "token_truncate",
    "vllm_importance_sampling_clip_max": 2.0,
    "vllm_importance_sampling_clip_min": None,
}


def _not_in_trl(what: str) -> CapabilityError:
    return CapabilityError(
        f"stock TRL has no option for {what}",
        hint="train with pellucid's trainer for TRL or with the native engine",
    )
