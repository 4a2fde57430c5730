"""Dimensions of interest, of agents whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box, MultiDiscrete
from tests.explainers.cases import LinearQ, logged

from pellucid.explainers.summary.dimensions import dimensions_of, n_answers
from pellucid.types import Categorical, Context, Gaussian, MultiCategorical

WEIGHTS = np.array([[1.0, -1.0], [0.0, 0.0]])
"""Q-values are plus and minus the first input; the second one is never read."""


class Soft(LinearQ):
    """Probabilities in place of Q-values."""

    def distribution(self, observations):
        exps = np.exp(self.q_values(observations))
        return Categorical(exps / exps.sum(axis=1, keepdims=True))


def measured(agent, episodes, seed=0):
    return {d.name: d for d in dimensions_of(agent, episodes, seed=seed)}


def soft(*capabilities, weights=WEIGHTS):
    return Soft(weights, capabilities=frozenset(capabilities))


def test_q_values_tell_value_and_riskiness_and_no_confidence():
    episodes = logged(2, 2)
    agent = LinearQ(WEIGHTS, capabilities=frozenset({"q_values"}))
    found = measured(agent, episodes)
    size = np.abs(episodes.visited[:, 0])
    expected = 2 * (size - size.min()) / np.ptp(size) - 1
    np.testing.assert_allclose(found["value"].values, expected)
    # the two Q-values differ by twice the larger one
    np.testing.assert_allclose(found["riskiness"].values, expected)
    assert found["confidence"].values is None
    assert "no probabilities" in found["confidence"].reason
    assert n_answers(agent) == 1


def test_probabilities_tell_confidence_and_riskiness_and_no_value():
    episodes = logged(2, 2)
    agent = soft("distribution")
    found = measured(agent, episodes)
    first = agent.distribution(episodes.visited).probabilities[:, 0]
    entropy = -(first * np.log2(first) + (1 - first) * np.log2(1 - first))
    np.testing.assert_allclose(found["confidence"].values, 1 - 2 * entropy)
    np.testing.assert_allclose(found["riskiness"].values, 2 * np.abs(2 * first - 1) - 1)
    for name in ("value", "goal conduciveness", "incongruity"):
        assert (found[name].values, found[name].reason) == (None, "the agent predicts no return")
    assert n_answers(agent) == 1
    assert n_answers(soft("distribution", "value")) == 2


def test_actions_that_are_not_allowed_do_not_count():
    class Choosy(Soft):
        """Chooses among what is allowed."""

        masks = None

        def within(self, context: Context):
            agent = Choosy(WEIGHTS, capabilities=self.capabilities)
            agent.masks = context.masks
            return agent

        def distribution(self, observations):
            chances = np.where(self.masks, super().distribution(observations).probabilities, 0.0)
            return Categorical(chances / chances.sum(axis=1, keepdims=True))

    episodes = logged(2, 2, lengths=(30, 30))
    only = np.tile([True, False], (30, 1))
    masked = replace(episodes, attempted=tuple(replace(e, masks=only) for e in episodes.attempted))
    found = measured(Choosy(WEIGHTS, capabilities=frozenset({"distribution", "masks"})), masked)
    np.testing.assert_array_equal(found["confidence"].values, 1.0)
    np.testing.assert_array_equal(found["riskiness"].values, -1.0)


def test_parts_of_an_action_are_averaged():
    class Levers(LinearQ):
        def distribution(self, observations):
            rows = np.tile([0.5, 0.5, 1.0, 0.0, 0.0], (len(observations), 1))
            return MultiCategorical(rows, (2, 3), (0, 0))

    agent = Levers(WEIGHTS, capabilities=frozenset({"distribution"}))
    agent.action_space = MultiDiscrete([2, 3])
    found = measured(agent, logged(2, 2))
    np.testing.assert_allclose(found["confidence"].values, 0.0)  # even, and certain
    np.testing.assert_allclose(found["riskiness"].values, 0.0)  # ranges 0 and 1


def test_confidence_of_continuous_actions_is_how_little_they_vary():
    class Pushes(LinearQ):
        def act(self, observations):
            return np.zeros((len(observations), 1))

        def distribution(self, observations):
            std = np.exp(observations[:, :1])
            return Gaussian(0 * std, std, np.full(1, -1.0), np.full(1, 1.0))

    agent = Pushes(WEIGHTS, capabilities=frozenset({"distribution"}))
    agent.action_space = Box(-1.0, 1.0, (1,))
    episodes = logged(2, 2)
    found = measured(agent, episodes)
    logs = episodes.visited[:, 0]
    np.testing.assert_allclose(
        found["confidence"].values, 1 - 2 * (logs - logs.min()) / np.ptp(logs)
    )
    assert "other actions" in found["riskiness"].reason


def test_what_follows_the_end_is_nothing_and_what_follows_a_cut_is_not_known():
    episodes = logged(2, 2, lengths=(30, 30))
    cut = replace(episodes.attempted[1], terminated=False, truncated=True)
    episodes = replace(episodes, attempted=(episodes.attempted[0], cut))
    found = measured(LinearQ(WEIGHTS), episodes)
    unknown = np.flatnonzero(np.isnan(found["incongruity"].values))
    assert unknown.tolist() == [59]
    assert np.flatnonzero(np.isnan(found["goal conduciveness"].values)).tolist() == [0, 30]


def test_noise_is_counted_where_a_state_recurs():
    episodes = logged(1, 1, lengths=(4,) * 10)
    for i, episode in enumerate(episodes.attempted):
        # the third step leads elsewhere in three episodes of ten
        episode.observations[:, 0] = [0, 1, 2, 3 + (i < 3), 9]
    found = measured(soft(weights=WEIGHTS[:1]), episodes)["stochasticity"].values
    np.testing.assert_allclose(found.reshape(10, 4)[:, :3], [[0, 0, 0.3]] * 10)
    # the state that came three times is too rare to tell
    np.testing.assert_array_equal(np.isnan(found.reshape(10, 4)[:, 3]), np.arange(10) < 3)


def test_states_that_never_recur_tell_nothing_of_noise():
    found = measured(LinearQ(WEIGHTS), logged(2, 2))["stochasticity"]
    assert found.values is None
    assert "too few states recurred 5 times" in found.reason


def test_familiarity_is_nearness_to_other_episodes():
    episodes = logged(1, 1, lengths=(10,) * 4)
    for episode in episodes.attempted:
        episode.observations[:, 0] = np.arange(11) / 10
    # only in its own episode: near itself, far from all others
    episodes.attempted[2].observations[6:8, 0] = 5.0
    found = measured(soft(weights=WEIGHTS[:1]), episodes)["familiarity"].values
    assert np.flatnonzero(found < 0).tolist() == [26, 27]
    assert found.min() == -1.0


def test_what_cannot_be_compared_is_named():
    alone = measured(LinearQ(WEIGHTS), logged(2, 2, lengths=(40,)))["familiarity"]
    assert (alone.values, alone.reason) == (None, "there is no other episode to compare with")
    images = logged(2, 2)
    for episode in images.attempted:
        object.__setattr__(episode, "observations", np.zeros((len(episode) + 1, 64, 64)))
    agent = LinearQ(np.zeros((1, 2)), capabilities=frozenset())
    agent.act = lambda observations: np.zeros(len(observations), dtype=np.int64)
    found = measured(agent, images)
    assert "4096 numbers" in found["familiarity"].reason
    assert n_answers(agent) == 0
    assert {d.name for d in found.values() if d.values is not None} == {"stochasticity"}


@pytest.mark.parametrize("seed", [0, 1])
def test_which_states_are_compared_with_is_drawn_by_the_seed(seed, monkeypatch):
    from pellucid.explainers.summary import dimensions

    monkeypatch.setattr(dimensions, "MOST_REFERENCES", 30)
    episodes = logged(2, 2)
    one, two = (measured(LinearQ(WEIGHTS), episodes, s)["familiarity"].values for s in (seed, 0))
    assert np.array_equal(one, two) == (seed == 0)
