"""Settings of machines, and files that accelerate takes."""

import ast

import pytest
import yaml

from pellucid.errors import CapabilityError, InputError, UnknownNameError
from pellucid.posttrain.trl import (
    ACCELERATE_CONFIGS,
    accelerate_config,
    low_rank_adapters,
    machines,
    versions,
    vllm_settings,
)


@pytest.mark.parametrize("name", ACCELERATE_CONFIGS)
def test_accelerate_reads_every_file(name: str) -> None:
    path = accelerate_config(name)
    assert yaml.safe_load(path.read_text())["num_machines"] == 1
    pytest.importorskip("accelerate")
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(path))
    assert config.num_processes >= 1


def test_the_folder_holds_no_other_file() -> None:
    folder = accelerate_config("cpu").parent
    assert {path.stem for path in folder.glob("*.yaml")} == set(ACCELERATE_CONFIGS)
    with pytest.raises(UnknownNameError, match="fsdp3") as error:
        accelerate_config("fsdp3")
    assert error.value.hint == "did you mean 'fsdp2'?"


def test_vllm_is_bounded_and_corrected_by_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda package: "0.30.0")
    options = vllm_settings(mode="server", server_url="http://host:8000", timeout=30)
    assert options["vllm_server_timeout"] == 30
    assert options["vllm_enable_sleep_mode"] is False
    assert options["vllm_importance_sampling_mode"] == "token_truncate"
    assert vllm_settings(correction=False)["vllm_importance_sampling_correction"] is False


def test_vllm_options_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="share of memory"):
        vllm_settings(memory=1.5)
    with pytest.raises(InputError, match="needs the address"):
        vllm_settings(mode="server")
    with pytest.raises(InputError, match="timeout must be positive"):
        vllm_settings(timeout=0)
    if versions.installed_version("vllm") is None:
        with pytest.raises(CapabilityError, match="not installed"):
            vllm_settings()


def test_adapters_never_touch_the_head() -> None:
    with pytest.raises(InputError, match="never trained by TRL"):
        low_rank_adapters(layers=("q_proj", "lm_head"))
    with pytest.raises(InputError, match="rank must be at least 1"):
        low_rank_adapters(rank=0)
    pytest.importorskip("peft")
    config = low_rank_adapters(rank=4)
    assert (config.r, config.lora_alpha, config.lora_dropout) == (4, 8, 0.0)
    assert set(config.target_modules) == set(machines.ATTENTION_AND_MLP)


def test_trl_is_imported_by_two_modules_that_nothing_imports_at_start_up() -> None:
    optional = {"trl", "transformers", "datasets", "peft", "accelerate"}
    importing = {}
    for path in accelerate_config("cpu").parents[1].glob("*.py"):
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module))
        importing[path.stem] = names
    own = "pellucid.posttrain.trl."
    late = {
        stem for stem, names in importing.items() if {n.split(".")[0] for n in names} & optional
    }
    assert late == {"trainer", "recording_callback"}
    assert not [s for s, names in importing.items() if names & {own + stem for stem in late}]
