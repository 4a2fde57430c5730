"""TRL as an engine, for large models: plain settings where they do, one subclass where not.

- `objective_to_trl_config` turns a recipe into the arguments of `trl.GRPOConfig`, for TRL's own
  trainer; with `cpu_settings`, `gpu_settings`, `vllm_settings`, `low_rank_adapters` and the files
  of `accelerate_config` for the machine.
- `trainer.ObjectiveTrainer` is that trainer with pellucid's objectives in three of its methods, for
  what it cannot express: `Plain`, `EntropyModulation`, `Guidance`, `SelfExplanation`.
- `recording_callback.RecordingCallback` writes pellucid's record of a run from either trainer.

Nothing here imports TRL before `trainer`, `recording_callback` or `train_with_trl` is used.
"""

from pellucid.posttrain.trl.explained import SelfExplanation
from pellucid.posttrain.trl.guided import Guidance
from pellucid.posttrain.trl.machines import (
    ACCELERATE_CONFIGS,
    accelerate_config,
    cpu_settings,
    gpu_settings,
    low_rank_adapters,
    vllm_settings,
)
from pellucid.posttrain.trl.method import Method, Plain
from pellucid.posttrain.trl.modulated import EntropyModulation, ending_tokens
from pellucid.posttrain.trl.settings import RunSettings, objective_to_trl_config
from pellucid.posttrain.trl.versions import TESTED_TRL, TESTED_VLLM

__all__ = [
    "ACCELERATE_CONFIGS",
    "TESTED_TRL",
    "TESTED_VLLM",
    "EntropyModulation",
    "Guidance",
    "Method",
    "Plain",
    "RunSettings",
    "SelfExplanation",
    "accelerate_config",
    "cpu_settings",
    "ending_tokens",
    "gpu_settings",
    "low_rank_adapters",
    "objective_to_trl_config",
    "vllm_settings",
]
