"""Highlights on agents whose important moments are known."""

import numpy as np
import pytest
from gymnasium.spaces import MultiDiscrete
from tests.explainers.cases import LinearQ, logged, task

from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explainers.summary.highlights import Highlights
from pellucid.explainers.summary.importance import importance_for
from pellucid.types import Categorical, MultiCategorical

WEIGHTS = np.array([[1.0, -1.0], [0.0, 0.0]])
"""Q-values differ by twice the first input; the second one is never read."""


class Soft(LinearQ):
    """Probabilities in place of Q-values."""

    def distribution(self, observations):
        exps = np.exp(self.q_values(observations))
        return Categorical(exps / exps.sum(axis=1, keepdims=True))


def test_moments_shown_matter_more_than_most_and_their_number_is_the_spread():
    episodes = logged(2, 2)
    content = Highlights().explain(task(LinearQ(WEIGHTS), episodes)).content
    spread = 2 * np.abs(episodes.visited[:, 0])
    shown = [spread[(episodes.visited_steps == step).all(axis=1)][0] for step in content.steps]
    np.testing.assert_allclose(content.importance, shown)
    assert len(content.steps) == 5
    assert np.mean(shown) > np.median(spread)
    assert content.importance_name == "spread of its Q-values over actions"


def test_moments_are_apart_and_both_sides_are_shown():
    episodes = logged(2, 2, lengths=(100,))
    content = Highlights().explain(task(LinearQ(WEIGHTS), episodes)).content
    steps = np.sort(content.steps[:, 1])
    assert np.diff(steps).min() >= 5
    first = episodes.visited[content.steps[:, 1], 0]
    assert first.min() < -1
    assert first.max() > 1


def test_moments_that_add_nothing_are_not_shown():
    episodes = logged(2, 2)
    for episode in episodes.attempted:
        episode.observations[:] = [0.0, 0.0]
        episode.observations[3] = [1.0, 0.0]
    finding = Highlights().explain(task(LinearQ(WEIGHTS), episodes))
    assert finding.content.steps.tolist() == [[0, 3]]  # the others are its twins
    assert finding.facts["k"].value == 1


def test_what_stands_in_for_q_values_is_named():
    soft = Soft(WEIGHTS, capabilities=frozenset({"distribution"}))
    found = importance_for(soft)
    assert found.name == "spread of the log-probabilities of its actions"
    episodes = logged(2, 2)
    np.testing.assert_allclose(
        found.measure(soft, episodes), np.minimum(2 * np.abs(episodes.visited[:, 0]), 13.8155106)
    )
    continuous = LinearQ(WEIGHTS, capabilities=frozenset({"value"}))
    continuous.action_space = None
    found = importance_for(continuous)
    assert found.name == "change of its predicted return in one step"
    values = np.abs(episodes[0].observations[:30, 0])
    changes = found.measure(continuous, episodes)
    np.testing.assert_allclose(changes[:29], np.abs(np.diff(values)))
    assert changes[29] == changes[69] == changes[89] == 0.0


def test_parts_of_an_action_add_up_to_how_much_a_moment_matters():
    class Levers(LinearQ):
        def distribution(self, observations):
            rows = np.tile([0.2, 0.8, 0.1, 0.3, 0.6], (len(observations), 1))
            return MultiCategorical(rows, (2, 3), (0, 0))

    levers = Levers(WEIGHTS, capabilities=frozenset({"distribution"}))
    levers.action_space = MultiDiscrete([2, 3])
    found = importance_for(levers)
    assert found.name == "spread of the log-probabilities of its actions"
    # the likeliest action has 0.8 * 0.6, the least likely one 0.2 * 0.1
    np.testing.assert_allclose(found.measure(levers, logged(2, 2)), np.log(24.0))


def test_what_cannot_be_told_is_refused_with_what_would_work():
    bare = LinearQ(WEIGHTS, capabilities=frozenset())
    bare.action_space = None
    with pytest.raises(CapabilityError, match="neither Q-values") as raised:
        Highlights().plan(task(bare, logged(2, 2)))
    assert "critical-steps" in str(raised.value.hint)
    with pytest.raises(BudgetError, match="takes 90 agent queries; 89 are left"):
        Highlights().explain(task(LinearQ(WEIGHTS), logged(2, 2), queries=89))
    with pytest.raises(DataError, match="no visited states"):
        Highlights().plan(task(LinearQ(WEIGHTS), logged(2, 2, lengths=())))


def test_what_stands_in_for_q_values_is_named_in_the_answer(monkeypatch):
    from tests.contracts.agents import TRACK, LinearAgent

    import pellucid as pl
    from pellucid.budget import Cost

    episodes = pl.collect(LinearAgent(), TRACK, n_episodes=6, seed=0)
    result = pl.explain(
        LinearAgent(), episodes, method="highlights", seed=0, budget=Cost(20_000, 20_000)
    )
    assert "by the spread of the log-probabilities of its actions" in result.text


def test_images_are_compared_by_the_spread_of_the_candidates_alone(monkeypatch):
    from pellucid.explainers.summary import highlights

    images = np.random.default_rng(0).integers(0, 256, (30, 9, 9, 2)).astype(np.uint8)
    whole = highlights._similarity(images, np.arange(30))
    monkeypatch.setattr(highlights, "MOST_NUMBERS", 100)
    np.testing.assert_allclose(highlights._similarity(images, np.arange(30)), whole)
