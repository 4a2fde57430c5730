"""F29: an agent that learned on normalised inputs, without their statistics."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from tests.agents.models import StubEnv

from pellucid import explain_all
from pellucid.agents import load_agent
from pellucid.agents.normalisation import stated
from pellucid.api.evaluating import evaluate
from pellucid.cli.main import main
from pellucid.errors import InputError
from pellucid.explanation.storage import load_explanation

ENV = "CartPole-v1"
SMALL: dict[str, Any] = {
    "methods": "integrated-gradients",
    "n_episodes": 12,
    "budget": 60_000,
    "env_steps": 8_000,
    "policy": "greedy",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return the archive of an agent that took a few steps in a VecNormalize."""
    import gymnasium

    env = VecNormalize(DummyVecEnv([lambda: gymnasium.make(ENV)]))
    model = PPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu")
    model.learn(8)
    model.save(tmp_path / "model.zip")
    numbers = {
        "mean": env.obs_rms.mean.tolist(),  # type: ignore[union-attr]
        "var": env.obs_rms.var.tolist(),  # type: ignore[union-attr]
        "clip_obs": 10.0,
        "epsilon": 1e-8,
    }
    (tmp_path / "stats.json").write_text(json.dumps(numbers))
    return tmp_path / "model.zip"


def test_f29_the_archive_itself_says_that_inputs_were_normalised(
    archive: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        agent = load_agent(archive, env=ENV)
    assert stated(agent)[0] == "unknown"
    assert "--normalize stats.json" in caplog.text


def test_f29_an_archive_without_normalisation_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = PPO("MlpPolicy", StubEnv(), n_steps=8, batch_size=8, seed=0, device="cpu")
    model.save(tmp_path / "plain.zip")
    assert stated(load_agent(tmp_path / "plain.zip", env=StubEnv())) == ("", "")
    assert caplog.text == ""


def test_f29_explanations_are_stored_as_unknown_and_are_weak_at_best(archive: Path) -> None:
    out = archive.parent / "run"
    run = explain_all(archive, ENV, out=out, **SMALL)
    stored = load_explanation(out / "explanations" / "integrated-gradients")
    assert stored.normalised == "unknown"
    assert stored.badge in ("weak", "failed", "not_measured")
    assert all(score.badge != "supported" for score in stored.faithfulness if score.role == "test")
    assert any("may not be the agent that was meant" in w for w in run.document["warnings"])
    assert "Unknown" in run.document["identity"]["normalisation"]["text"]
    assert stated(load_agent(out, env=ENV))[0] == "unknown"  # the stored agent says it too


def test_f29_with_its_statistics_the_run_says_so_and_can_be_evaluated(archive: Path) -> None:
    out, stats = archive.parent / "run", archive.parent / "stats.json"
    run = explain_all(archive, ENV, out=out, normalize=stats, **SMALL)
    assert run.record.explanations[0].normalised == "yes"
    assert "stats.json" in run.document["identity"]["normalisation"]["text"]
    assert not any("may not be the agent" in w for w in run.document["warnings"])
    stats.unlink()
    archive.unlink()
    assert evaluate(out).passed


def test_f29_other_statistics_are_other_inputs(archive: Path) -> None:
    out, stats = archive.parent / "run", archive.parent / "stats.json"
    explain_all(archive, ENV, out=out, normalize=stats, **SMALL)
    with pytest.raises(InputError, match="normalize_sha256"):
        explain_all(archive, ENV, out=out, **SMALL)


def test_f29_on_the_command_line(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", str(archive), "--env", ENV, "--out", str(archive.parent / "x")]
    assert main([*words, "--normalize", str(archive.parent / "missing.json")]) == 2
    assert "does not exist" in capsys.readouterr().err
    (archive.parent / "stats.json").write_text('{"mean": [0], "var": [1]}')
    assert main([*words, "--normalize", str(archive.parent / "stats.json")]) == 2
    error = capsys.readouterr().err
    assert "expected mean, var, clip_obs, epsilon" in error
    assert "Traceback" not in error
