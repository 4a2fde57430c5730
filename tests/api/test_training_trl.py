"""The TRL engine behind the same configurations."""

import math
from pathlib import Path

import pytest

from pellucid.api.training import train_model
from pellucid.api.training_config import MethodSection, load_config
from pellucid.api.training_trl import TRL_OUTPUT, run_settings, trl_method
from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain.native.tokenizing import CharacterTokenizer
from tests.api.training_configs import write_tiny


def test_settings_are_taken_over(tmp_path: Path) -> None:
    config = load_config(write_tiny(tmp_path), ["optimiser.warmup_updates=2"], engine="trl")
    settings = run_settings(config, tmp_path)
    assert (settings.n_updates, settings.prompts_per_update, settings.samples_per_prompt) == (
        3,
        2,
        4,
    )
    assert settings.warmup_steps == 2
    with pytest.raises(InputError, match="top_k"):
        run_settings(
            load_config(write_tiny(tmp_path), ["sampling.top_k=5"], engine="trl"), tmp_path
        )


def test_a_method_that_trl_lacks_is_named() -> None:
    section = MethodSection(name="explanation-preference")
    with pytest.raises(CapabilityError, match="no method 'explanation-preference'"):
        trl_method(section, {}, [], CharacterTokenizer("ab;"))


def test_the_end_of_a_step_is_one_token() -> None:
    tokenizer = CharacterTokenizer("ab;")
    section = MethodSection(name="entropy-modulation", options={"turn_separator": ";"})
    assert trl_method(section, {}, [], tokenizer).step_end == (tokenizer.encode(";")[0],)
    longer = MethodSection(name="entropy-modulation", options={"turn_separator": "ab"})
    with pytest.raises(InputError, match="ab"):
        trl_method(longer, {}, [], tokenizer)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("default")
def test_the_same_configuration_trains_with_trl(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    config = load_config(write_tiny(tmp_path), engine="trl")
    run = train_model(config, out=tmp_path / "run")
    assert run.record.state == "finished"
    assert [row.step for row in run.record.updates] == [1, 2, 3]
    assert len(run.record.evaluated("before")) == len(run.record.evaluated("after")) == 6
    assert not math.isnan(run.document["success"]["gain"]["value"])
    assert run.record.samples
    assert (tmp_path / "run" / "model" / "config.json").is_file()
    assert train_model(config, out=tmp_path / "run").reused


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("default")
def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    config = load_config(write_tiny(tmp_path), ["optimiser.n_updates=4"], engine="trl")
    whole = train_model(config, out=tmp_path / "whole")

    def stop(part: str, share: float) -> None:
        if part.startswith("update 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(config, out=tmp_path / "parts", progress=stop)
    # a kill in the middle of saving: no state was written yet
    newest = tmp_path / "parts" / TRL_OUTPUT / "checkpoint-3"
    newest.mkdir(exist_ok=True)
    (newest / "trainer_state.json").unlink(missing_ok=True)
    seen: list[str] = []
    parts = train_model(config, out=tmp_path / "parts", progress=lambda part, _: seen.append(part))

    assert [part[:8] for part in seen if part.startswith("update")] == ["update 3", "update 4"]
    assert [row.step for row in parts.record.updates] == [1, 2, 3, 4]
    assert len(parts.record.evaluated("before")) == len(parts.record.evaluated("after")) == 6
    for one, other in zip(whole.record.updates, parts.record.updates, strict=True):
        assert (one.total, one.loss, one.grad_norm) == (other.total, other.loss, other.grad_norm)
    texts = [[row.completion for row in run.record.samples] for run in (whole, parts)]
    assert texts[0] == texts[1]
