"""The learner of masks: what it is told, and what it makes of it."""

import numpy as np
import pytest
from tests.explainers.cases import task
from tests.explainers.rule import episodes_of, takes_the_key

from pellucid.explainers.state.keeping import (
    BONUS_SHARE,
    Mask,
    Schedule,
    Stake,
    learnt_mask,
    longest_episode,
)
from pellucid.kernels.keep_gradient import keep_chances, state_features

STAKE = Stake(spread=15.0, n_steps=10.0)


@pytest.fixture(scope="module")
def episodes():
    return episodes_of(takes_the_key())


def test_nothing_kept_earns_half_of_the_spread():
    assert STAKE.bonus * STAKE.n_steps == pytest.approx(BONUS_SHARE)


def test_a_mask_is_the_mean_of_the_last_ones():
    features = state_features(np.array([[0.0], [1.0]]), 2, np.random.default_rng(0))
    weights = np.random.default_rng(1).normal(size=(2, 4))
    states = np.array([[0.3], [2.0]])
    expected = [keep_chances(features(states), w) for w in weights]
    np.testing.assert_allclose(Mask(features, weights)(states), np.mean(expected, axis=0))


def test_it_pays_for_its_episodes_and_tells_how_far_it_is(episodes):
    given, told = task(takes_the_key(), episodes), []
    mask = learnt_mask(given, STAKE, Schedule(5, 4), 0, told.append)
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert given.meter.used.gradient_steps == 5
    assert given.meter.used.env_steps == given.meter.used.queries == 20 * len(episodes[0])
    assert mask is not None
    assert len(mask.weights) == 2  # of five, half and rounded


def test_no_mask_is_returned_if_the_budget_ends_first(episodes):
    given = task(takes_the_key(), episodes, env_steps=100)
    assert learnt_mask(given, STAKE, Schedule(5, 4), 0, lambda share: None) is None
    assert given.meter.used.env_steps <= 100


def test_same_seed_same_mask_and_each_mask_its_own(episodes):
    def weights(position, seed=0):
        given = task(takes_the_key(), episodes, seed=seed)
        return learnt_mask(given, STAKE, Schedule(3, 4), position, lambda share: None).weights

    np.testing.assert_array_equal(weights(0), weights(0))
    assert not np.array_equal(weights(0), weights(1))
    assert not np.array_equal(weights(0), weights(0, seed=1))


def test_the_limit_of_an_episode_is_that_of_its_environment(episodes):
    assert longest_episode(task(takes_the_key(), episodes)) == 20  # one that walks on: 12
