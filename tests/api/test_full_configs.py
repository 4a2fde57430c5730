"""The settings for one GPU: read whole, and possible, without a GPU."""

from pathlib import Path

import pytest

from pellucid.api.training_config import load_config
from pellucid.api.training_methods import make_recipe
from pellucid.api.training_trl import machine_settings, run_settings
from pellucid.io.sections import read_section
from pellucid.posttrain.rewards import REWARDS
from pellucid.posttrain.trl import low_rank_adapters, objective_to_trl_config, versions

CONFIGS = sorted(Path(__file__).parents[2].glob("configs/*/full.yaml"))


def test_every_system_has_one() -> None:
    assert [path.parent.name for path in CONFIGS] == [
        "adaptive-guidance",
        "entropy-modulated-gradients",
        "lite-ppo",
        "self-explanation",
        "semantic-reward",
    ]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_it_is_read_and_fits_trl(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda package: "0.30.0")
    config = load_config(path)
    assert config.engine == "trl"
    settings, machine = run_settings(config, Path("out")), machine_settings(config)
    options = objective_to_trl_config(make_recipe(config.method), settings, machine)
    assert options["use_vllm"]
    assert options["bf16"]
    # whole groups in every process, and room for the prompt beside the completion
    assert settings.rows_per_device % settings.samples_per_prompt == 0
    assert options["vllm_max_model_length"] > settings.max_new_tokens + 256
    assert all(reward.name in REWARDS for reward in config.rewards)
    assert config.gold in {reward.name for reward in config.rewards}
    # steps of policy gradients vanish in bfloat16 weights
    adapted = config.model.adapters is not None
    assert (options["model_init_kwargs"]["dtype"] == "bfloat16") == adapted
    if config.method.name == "guidance":
        assert not options["vllm_importance_sampling_correction"]


def test_adapters_of_a_file_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("peft")
    config = load_config(next(path for path in CONFIGS if path.parent.name == "lite-ppo"))
    assert config.model.adapters is not None
    made = read_section(low_rank_adapters, config.model.adapters, where="model.adapters")
    assert made.r == 64
