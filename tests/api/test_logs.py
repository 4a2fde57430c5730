"""Runs on recorded episodes, with their agent and without."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.api.evaluating import evaluate
from pellucid.api.logs import agreement, agreement_words, is_log, read_log
from pellucid.api.logs import episodes_of as episodes_in
from pellucid.api.planning import plan_all
from pellucid.budget import Cost, Meter
from pellucid.cli.main import main
from pellucid.errors import InputError
from tests.agents.models import make_model, save_model

ENV = "CartPole-v1"
SMALL: dict[str, Any] = {"n_episodes": 12, "budget": 60_000, "env_steps": 8_000}


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    import gymnasium

    return save_model(make_model("PPO", env=gymnasium.make(ENV)), tmp_path)


@pytest.fixture
def log(tmp_path: Path, agent: Path) -> Path:
    """Return a log of fourteen episodes of that agent."""
    folder = tmp_path / "log"
    folder.mkdir()
    episodes = pellucid.collect(pellucid.load_agent(agent, env=ENV), ENV, n_episodes=14, seed=3)
    rows = {
        "observations": [e.observations[:-1] for e in episodes.used],
        "next_observations": [e.observations[1:] for e in episodes.used],
        "actions": [e.actions for e in episodes.used],
        "rewards": [e.rewards for e in episodes.used],
        "terminations": [np.arange(len(e)) == len(e) - 1 for e in episodes.used],
    }
    np.savez(folder / "steps.npz", **{k: np.concatenate(v) for k, v in rows.items()})
    (folder / "about.json").write_text(json.dumps({"env": ENV}))
    return folder


def test_a_log_with_its_agent_is_tested_on_logged_states(agent: Path, log: Path) -> None:
    out = log.parent / "run"
    methods = ["perturbation", "critical-steps"]
    run = pellucid.explain_all(agent, logs=log, out=out, methods=methods, **SMALL)
    first, second = run.record.explanations
    assert first.badge != "not_measured"
    assert "cart position" in " ".join(first.content.input_names)  # type: ignore[union-attr]
    assert "needs the environment" in second.reason
    assert run.record.used.env_steps == 0
    assert run.document["environment"] is None
    warnings = " ".join(run.document["warnings"])
    assert "In 100 % of the logged states (95 %: 100 to 100, 12 episodes)" in warnings
    assert "12 of the log's 14 episodes" in warnings
    agent.unlink()
    assert evaluate(out).passed
    again = pellucid.explain_all(out / "agent", logs=log, out=log.parent / "two", **SMALL)
    assert again.record.agent.framework == "stable-baselines3 PPO"


def test_a_log_without_its_agent_shows_what_happened_and_measures_nothing(log: Path) -> None:
    out = log.parent / "run"
    run = pellucid.explain_all(log, out=out, methods="shapley,highlights,viper-tree", **SMALL)
    assert {e.badge for e in run.record.explanations} == {"not_measured"}
    assert all(e.reason for e in run.record.explanations)
    assert "cannot be asked" in run.record.explanations[0].reason
    assert run.record.returns.n == 12
    assert len(run.document["episodes"]["rows"]) == 12
    assert run.record.agent.framework == "recorded episodes"
    assert evaluate(out).passed
    resumed = pellucid.explain_all(log, out=out, methods="shapley,highlights,viper-tree", **SMALL)
    assert resumed.reused


def test_another_log_is_another_run(log: Path) -> None:
    out = log.parent / "run"
    pellucid.explain_all(log, out=out, methods="shapley", **SMALL)
    (log / "about.json").write_text("{}")
    with pytest.raises(InputError, match="other inputs"):
        pellucid.explain_all(log, out=out, methods="shapley", **SMALL)


def test_agreement_is_counted_per_episode_and_paid_for(agent: Path, log: Path) -> None:
    loaded = pellucid.load_agent(agent, env=ENV)
    episodes = episodes_in(read_log(log, n_episodes=14), None)
    meter = Meter(Cost(10_000))
    whole = agreement(loaded, episodes, meter)
    assert whole is not None
    assert (whole.value, whole.n) == (1.0, 14)
    assert meter.used.queries == sum(len(e) for e in episodes.used)
    other = pellucid.load_agent(lambda o: (o[:, 0] > 0).astype(np.int64), env=ENV)
    share = agreement(other, episodes, Meter(Cost(10_000)))
    assert share is not None
    assert 0 < share.value < 1
    assert "14 episodes" in agreement_words(share)
    assert agreement(other, episodes, Meter(Cost(3))) is None


def test_the_plan_counts_no_environment_steps(agent: Path, log: Path) -> None:
    plan = plan_all(agent, logs=log, methods="shapley", **PLAN)
    assert plan.parts[0].most.env_steps == 0
    assert plan.parts[0].note == "12 recorded episodes"


PLAN: dict[str, Any] = {
    **SMALL,
    "seed": 0,
    "policy": "greedy",
    "episode": None,
    "step": None,
    "names": None,
}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--env", ENV], "--env is for environments"),
        (["--wrap", "a:b"], "--wrap is for environments"),
        (["--reward-terms", "a:b"], "--reward-terms is for environments"),
    ],
)
def test_options_of_environments_are_refused(
    log: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(log), "--out", str(log.parent / "x"), *more]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_folders_without_a_log_are_named(
    agent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not is_log(tmp_path)
    assert not is_log("\0")
    assert not is_log(5)
    assert main(["explain", str(agent), "--logs", str(tmp_path)]) == 2
    assert "holds no recorded episodes" in capsys.readouterr().err
    assert main(["explain", "minari:a/b-v0"]) == 2
    assert "minari download a/b-v0" in capsys.readouterr().err
