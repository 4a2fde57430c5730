"""How near a reward comes: exact for rewards, by hand for a product."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.objectives import MarkovReward
from pellucid.tabular.objectives.nearest_reward import nearest_markov_reward, outer_gap
from pellucid.tabular.objectives.witness_tasks import two_step_problem


def test_the_values_of_a_reward_are_met() -> None:
    rng = np.random.default_rng(0)
    mdp = two_step_problem()
    policies = rng.dirichlet(np.ones(2), size=(20, 3))
    values = MarkovReward(rng.normal(size=(3, 2, 3)), 0.5).values(mdp, policies)
    found = nearest_markov_reward(mdp, policies, values, 0.5)
    np.testing.assert_allclose(found.values(mdp, policies), values)


def test_the_product_of_two_chances_by_hand() -> None:
    # over the corners of the square p q is nearest to (p + q) / 2 - 1 / 4
    mdp = two_step_problem()
    points = [(p, q) for p in (0, 1) for q in (0, 1)]
    policies = np.array([[[p, 1 - p], [q, 1 - q], [1, 0]] for p, q in points], dtype=float)
    found = nearest_markov_reward(mdp, policies, np.array([0.0, 0, 0, 1]), 0.5)
    np.testing.assert_allclose(found.values(mdp, policies), [-0.25, 0.25, 0.25, 0.75])


def test_values_that_are_not_finite_are_refused() -> None:
    policies = np.full((2, 3, 2), 0.5)
    for values in (np.array([0.0, np.nan]), np.zeros(3)):
        with pytest.raises(InputError, match="2 finite values"):
            nearest_markov_reward(two_step_problem(), policies, values, 0.5)


def test_the_gap_of_a_function_of_one_return_is_the_step_between_neighbours() -> None:
    returns = np.linspace(-1, 1, 21)[:, None]
    rng = np.random.default_rng(0)
    assert outer_gap(returns, returns[:, 0] ** 2, 5, rng) == pytest.approx(1 - 0.81)
