"""A real package with its own explainer and metric, used end to end."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid import registry
from pellucid.bench import planted, standing
from pellucid.bench.harness import Scale
from pellucid.explanation import Summary


def push_with_the_pole(observations: np.ndarray) -> np.ndarray:
    return (observations[:, 2] + observations[:, 3] > 0).astype(np.int64)


@pytest.mark.usefixtures("toy")
def test_installed_plugin_is_listed_with_its_distribution() -> None:
    assert registry.items("explainers")["toy-jumps"].source == "pellucid-toy"
    assert registry.items("metrics")["toy_jump_size"].source == "pellucid-toy"
    assert registry.duplicates("explainers") == []


@pytest.mark.usefixtures("toy")
def test_plugin_explains_and_its_metric_decides_the_badge() -> None:
    agent = pl.load_agent(push_with_the_pole, env=pl.resolve_env("CartPole-v1"))
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=12, seed=0)
    result = pl.explain(agent, episodes, method="toy-jumps", seed=0)
    assert isinstance(result.content, Summary)
    # every episode's named moment is its largest change, so each gap is above zero
    assert (result.decisive, result.badge) == ("toy_jump_size", "supported")
    # our test of the same kind is made beside it, and does not decide
    score, ours = result.faithfulness
    assert (score.metric, ours.metric) == ("toy_jump_size", "highlight_drop")
    assert (score.interval.n, score.interval.n_unscored) == (12, 0)
    assert score.gap.low > 0
    assert result.text.startswith("At these 12 moments the situation changes by ")


@pytest.mark.usefixtures("toy")
def test_plugin_result_is_shown_and_saved_like_our_own(tmp_path: Path) -> None:
    agent = pl.load_agent(push_with_the_pole, env=pl.resolve_env("CartPole-v1"))
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=12, seed=0)
    result = pl.explain(agent, episodes, method="toy-jumps", seed=0)
    assert len(result.to_frame()) == 12
    assert "toy-jumps" in repr(result)
    saved = pl.load_explanation(result.save(tmp_path / "toy"))
    np.testing.assert_array_equal(saved.content.steps, result.content.steps)
    assert saved.text == result.text


@pytest.mark.usefixtures("toy")
def test_plugin_is_put_to_the_planted_truth_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "FAMILIES", {**registry.FAMILIES, "explainers": ()})
    (row,) = planted.run(Scale.full, lambda message: None)
    assert (row.method, row.source, row.case) == ("toy-jumps", "pellucid-toy", "key-moment")
    # the observation changes most where the key comes into reach and where it is taken
    assert (row.value, row.n, row.passed) == (1.0, 12, True)
    (told,) = standing.told([asdict(row)])
    assert (told["from"], told["standing"]) == ("pellucid-toy", "passed")
    assert standing.standing_of("toy-jumps").words == "no planted-truth record"


def test_plugin_is_gone_when_it_is_not_installed() -> None:
    assert "toy-jumps" not in registry.names("explainers")
