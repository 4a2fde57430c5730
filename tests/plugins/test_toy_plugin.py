"""A real package with its own explainer and metric, used end to end."""

from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid import registry
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
    (score,) = result.faithfulness
    assert (score.interval.n, score.interval.n_unscored) == (12, 0)
    assert score.gap.low > 0
    assert result.text.startswith("At these 12 moments the situation changes by ")
    assert result.used.env_steps == 0


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


def test_plugin_is_gone_when_it_is_not_installed() -> None:
    assert "toy-jumps" not in registry.names("explainers")
