"""Coins per state, against answers worked out by hand."""

import numpy as np
import pytest

from pellucid.kernels.keep_gradient import (
    MOST_LOGIT,
    bounded_step,
    keep_chances,
    natural_direction,
    state_features,
    step_advantages,
)


def test_features_are_ones_standardised_inputs_and_nearness():
    visited = np.array([[0.0, 5.0], [2.0, 5.0]])
    features = state_features(visited, 10, np.random.default_rng(0))
    rows = features(visited)
    # mean 1 and spread 1; the constant input stays zero. The centres are 2 apart, the width is 1
    np.testing.assert_allclose(rows[:, :3], [[1, -1, 0], [1, 1, 0]])
    np.testing.assert_allclose(rows[:, 3:], [[1, np.exp(-4)], [np.exp(-4), 1]])


def test_features_do_not_depend_on_the_order_of_the_inputs():
    visited = np.random.default_rng(0).normal(size=(30, 3))
    order = [2, 0, 1]
    one = state_features(visited, 8, np.random.default_rng(1))(visited)
    other = state_features(visited[:, order], 8, np.random.default_rng(1))(visited[:, order])
    np.testing.assert_allclose(other[:, 4:], one[:, 4:], atol=1e-12)
    np.testing.assert_allclose(other[:, 1:4], one[:, 1:4][:, order], atol=1e-12)


def test_equal_states_have_a_width_all_the_same():
    features = state_features(np.ones((4, 2)), 4, np.random.default_rng(0))
    assert features.width == 1.0
    np.testing.assert_array_equal(features(np.ones((1, 2))), [[1, 0, 0, 1, 1, 1, 1]])


def test_chances_stay_away_from_certain():
    chances = keep_chances(np.array([[-1e9], [0.0], [1e9]]), np.array([1.0]))
    least = 1 / (1 + np.exp(MOST_LOGIT))
    np.testing.assert_allclose(chances, [least, 0.5, 1 - least])


def test_a_row_has_the_same_chance_alone_and_among_others():
    rng = np.random.default_rng(0)
    rows, weights = rng.normal(size=(100, 70)), rng.normal(size=70)
    alone = np.concatenate([keep_chances(row[None], weights) for row in rows])
    assert alone.tobytes() == keep_chances(rows, weights).tobytes()


@pytest.mark.parametrize(
    ("trace", "expected"), [(0.0, [0.0, -1.0, 3.0]), (1.0, [2.0, 2.0, 3.0]), (0.5, [0.25, 0.5, 3])]
)
def test_advantages_look_as_far_ahead_as_the_trace_says(trace, expected):
    # one-step errors: 0 + 2 - 2, 0 + 1 - 2, 4 - 1
    found = step_advantages(np.array([0.0, 0.0, 4.0]), np.array([2.0, 2.0, 1.0]), trace)
    np.testing.assert_allclose(found, expected)


def test_the_direction_is_what_keeping_is_worth():
    kept = np.array([True, True, False, False])
    # keeping earns 3 more than not keeping
    advantages = np.where(kept, 1.0, -2.0)
    ones = np.ones((4, 1))
    found = natural_direction(ones, np.full(4, 0.5), kept, advantages, 1e-12)
    np.testing.assert_allclose(found, [3.0])


def test_the_direction_tells_states_apart():
    columns = np.repeat(np.eye(2), 200, axis=0)
    rng = np.random.default_rng(0)
    chances = np.where(columns[:, 0] == 1, 0.5, 0.2)
    kept = rng.random(400) < chances
    # worth 4 in the first state; in the second, keeping costs 1
    worth = np.where(columns[:, 0] == 1, 4.0, -1.0)
    advantages = (kept - chances) * worth
    found = natural_direction(columns, chances, kept, advantages, 1e-9)
    np.testing.assert_allclose(found, [4.0, -1.0], rtol=0.2)


def test_a_step_is_shortened_to_the_divergence_that_is_allowed():
    ones, chances = np.ones((5, 1)), np.full(5, 0.5)
    # a change of the logit by 1 has a divergence of 1/8 to second order
    np.testing.assert_allclose(bounded_step(np.ones(1), ones, chances, 1.0, 0.125), [1.0])
    np.testing.assert_allclose(bounded_step(np.ones(1), ones, chances, 1.0, 0.125 / 4), [0.5])
