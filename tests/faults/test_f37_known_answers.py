"""F37: on agents with known answers an ignored input gets nothing and equal inputs get the same."""

import numpy as np
import pytest
from tests.faithfulness.cases import check, ranked, shapley_fn, signs

from pellucid.budget import Cost, Meter
from pellucid.faithfulness.masked_return import masked_return
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.kernels.shapley_regression import paired_regression


def _game(masks):
    """Players 0 and 1 are equal, player 2 is ignored, the others interact."""
    both = masks[:, 0].astype(float) + masks[:, 1]
    return np.tanh(both) * (1.0 + masks[:, 3]) + 0.5 * masks[:, 4:].sum(axis=1)


def test_f37_exact_values_of_ignored_and_equal_inputs():
    phi = exact_shapley(_game(coalition_masks(7)))
    assert phi[2] == pytest.approx(0.0, abs=1e-12)
    assert phi[0] == pytest.approx(phi[1], abs=1e-12)
    assert phi[0] > 0


def test_f37_estimated_values_of_ignored_and_equal_inputs():
    designs = [paired_regression(18, 400, np.random.default_rng(seed)) for seed in range(8)]
    phi = np.array([design.matrix @ _game(design.masks) for design in designs])
    assert np.abs(phi[:, 2]).mean() < 0.02
    assert np.abs(phi[:, 0] - phi[:, 1]).mean() < 0.04
    assert phi[:, 0].mean() > 0.4


def test_f37_linear_agent_gets_weight_times_distance_from_the_mean():
    agent, episodes = signs(3, weights=(2.0, 2.0, 0.0))
    content = shapley_fn(agent, episodes, Meter(Cost(10**6, 0))).content
    distance = content.observations - episodes.visited.mean(axis=0)
    assert content.values[:, :, 1] == pytest.approx(distance * (2.0, 2.0, 0.0), abs=1e-10)
    assert np.abs(content.values[:, 2]).max() < 1e-12


def test_f37_hiding_equal_inputs_costs_the_same_and_an_ignored_one_nothing():
    agent, episodes = signs(30, weights=(1.0, 1.0, 0.0))
    costs = [
        masked_return(check(agent, episodes, ranked(episodes, np.eye(3)[i])))[0].interval
        for i in range(3)
    ]
    assert costs[2].value == 0.0
    assert costs[0].low < costs[1].value < costs[0].high
    assert costs[0].low > 0
