"""What a machine needs of TRL: precision, generation with vLLM, adapters, accelerate's files."""

import importlib.resources
from pathlib import Path
from typing import Any, Literal

from pellucid.errors import InputError
from pellucid.io.imports import optional_import
from pellucid.posttrain.trl.versions import check_vllm
from pellucid.registry import unknown_name

ACCELERATE_CONFIGS = ("cpu", "single-gpu", "ddp", "fsdp2", "deepspeed-zero2", "deepspeed-zero3")
"""Files that `accelerate launch --config_file` takes; see `accelerate_config`."""

ATTENTION_AND_MLP = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Layers that get an adapter. Never the LM head: TRL reads its weight and would not train it."""


def cpu_settings() -> dict[str, Any]:
    """Return what makes TRL run on a CPU: its defaults are for GPUs."""
    return {
        "use_cpu": True,
        "bf16": False,
        "fp16": False,
        "activation_checkpointing": False,
        "dataloader_pin_memory": False,
        "disable_tqdm": True,
    }


def gpu_settings(
    *,
    activation_checkpointing: bool = True,
    weights: Literal["float32", "bfloat16"] = "float32",
) -> dict[str, Any]:
    """Return what training on GPUs needs; arithmetic is in bfloat16.

    Args:
        activation_checkpointing: Compute activations twice to keep fewer.
        weights: How weights are held. The steps of policy gradients are smaller than bfloat16 can
            add to a weight, so it is for models of which only adapters are trained.
    """
    return {
        "use_cpu": False,
        "bf16": True,
        "fp16": False,
        "tf32": True,
        "activation_checkpointing": activation_checkpointing,
        "optim": "adamw_torch_fused",
        "model_init_kwargs": {"dtype": weights},
        "disable_tqdm": True,
    }


def vllm_settings(
    *,
    mode: Literal["colocate", "server"] = "colocate",
    memory: float = 0.3,
    longest: int | None = None,
    tensor_parallel: int = 1,
    sleep: bool = True,
    server_url: str | None = None,
    timeout: float = 240.0,
    correction: bool = True,
) -> dict[str, Any]:
    """Return the options of generation with vLLM; checks that the installed one is in range.

    Args:
        mode: `colocate` shares the GPU with training; `server` asks a `vllm serve` elsewhere.
        memory: Share of the GPU's memory for vLLM, if it shares it.
        longest: Prompt and completion together; None for the model's limit.
        tensor_parallel: GPUs per engine.
        sleep: Whether weights and cache leave the GPU while it trains.
        server_url: Of the server, for `server`.
        timeout: Seconds to wait for the server.
        correction: Whether token weights correct for the difference between the two engines'
            log-probabilities, cut at 2. Methods that score under another prompt than they sample
            under must switch it off: it would take the other prompt for such a difference.

    Raises:
        CapabilityError: vLLM is missing or out of range.
        InputError: A number out of range, or a server without its address.
    """
    if not 0 < memory < 1:
        raise InputError(f"the share of memory must lie between 0 and 1, got {memory}")
    if mode == "server" and server_url is None:
        raise InputError("mode 'server' needs the address of the server, such as http://host:8000")
    if not timeout > 0:
        raise InputError(f"the timeout must be positive, got {timeout}")
    check_vllm()
    return {
        "use_vllm": True,
        "vllm_mode": mode,
        "vllm_gpu_memory_utilization": memory,
        "vllm_max_model_length": longest,
        "vllm_tensor_parallel_size": tensor_parallel,
        "vllm_enable_sleep_mode": sleep and mode == "colocate",
        "vllm_server_base_url": server_url,
        "vllm_server_timeout": timeout,
        "vllm_importance_sampling_correction": correction,
        "vllm_importance_sampling_mode": "token_truncate",
        "vllm_importance_sampling_clip_max": 2.0,
        "vllm_importance_sampling_clip_min": None,
    }


def low_rank_adapters(
    *,
    rank: int = 16,
    scale: float | None = None,
    dropout: float = 0.0,
    layers: tuple[str, ...] = ATTENTION_AND_MLP,
) -> Any:
    """Return `peft_config` for a trainer: low-rank adapters in place of all weights.

    Args:
        rank: Of each adapter.
        scale: α; twice the rank if None.
        dropout: Of the adapters. Sampling and scoring then differ: keep it 0 for policy gradients.
        layers: Names of the layers that get one.

    Raises:
        InputError: A rank below 1, the LM head among the layers, or peft is not installed.

    Source: Hu et al. 2021 (LoRA).
    """
    if rank < 1:
        raise InputError(f"the rank must be at least 1, got {rank}")
    if "lm_head" in layers:
        raise InputError("an adapter of 'lm_head' is never trained by TRL; leave it out")
    peft = optional_import("peft", extra="llm")
    return peft.LoraConfig(
        r=rank,
        lora_alpha=2 * rank if scale is None else scale,
        lora_dropout=dropout,
        target_modules=list(layers),
        bias="none",
        task_type="CAUSAL_LM",
    )


def accelerate_config(name: str) -> Path:
    """Return the path of a file for `accelerate launch --config_file`.

    Args:
        name: One of `ACCELERATE_CONFIGS`.

    Raises:
        UnknownNameError: There is no such file.
    """
    if name not in ACCELERATE_CONFIGS:
        raise unknown_name("accelerate configuration", name, list(ACCELERATE_CONFIGS))
    folder = importlib.resources.files("pellucid.posttrain.trl") / "accelerate"
    return Path(str(folder / f"{name}.yaml"))
