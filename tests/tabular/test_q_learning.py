"""Q-learning becomes optimal, and its steps are counted."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import random_mdp
from pellucid.tabular.q_learning import q_learning_steps
from tests.tabular.horizon.problems import lock, trap


def test_one_choice_is_learned_in_a_few_episodes() -> None:
    # the greedy policy is optimal once both actions were tried in the second state
    steps = q_learning_steps(trap(0.0), n_runs=200, budget=1000, seed=0)
    assert np.isfinite(steps).all()
    assert np.median(steps) < 20


def test_longer_locks_take_longer() -> None:
    medians = [
        float(np.median(q_learning_steps(lock(n), n_runs=51, budget=10**6, seed=0)))
        for n in (3, 6, 9)
    ]
    assert medians[0] < medians[1] < medians[2]
    # at least about 2^9 episodes to open it once
    assert medians[2] > 2**8 * 9


def test_a_budget_that_is_too_small_leaves_infinity() -> None:
    steps = q_learning_steps(lock(12), n_runs=5, budget=100, seed=0)
    assert np.isinf(steps).all()


def test_problems_with_chance_are_refused() -> None:
    with pytest.raises(InputError, match="one first state"):
        q_learning_steps(
            random_mdp(3, 2, np.random.default_rng(0), horizon=3), n_runs=1, budget=10, seed=0
        )
