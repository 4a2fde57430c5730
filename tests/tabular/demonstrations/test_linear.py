"""Linear problems: rank, gradients of the clone, and certificates that hold."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import backward_induction, staged_policy_values
from pellucid.tabular.demonstrations import (
    clone_linear_policy,
    cloning_error,
    draw_demonstrations,
    entropy_expert,
    linear_best_policy,
    random_linear_problem,
    regularised_induction,
)


def test_probabilities_have_the_rank_of_the_features() -> None:
    problem = random_linear_problem(10, 3, 4, np.random.default_rng(0), horizon=3)
    assert np.linalg.matrix_rank(problem.mdp.dense.reshape(30, 10)) == 4
    with pytest.raises(InputError, match="1 to 3 dimensions, got 4"):
        random_linear_problem(3, 2, 4, np.random.default_rng(0), horizon=3)


def test_a_linear_clone_is_closer_than_a_table_when_data_are_few() -> None:
    rng = np.random.default_rng(2)
    problem = random_linear_problem(20, 4, 3, rng, horizon=4)
    expert = entropy_expert(problem.mdp, 0.2)
    counts = draw_demonstrations(problem.mdp, expert, 100, rng).astype(np.float64)
    linear = clone_linear_policy(counts, problem.features)
    table = (counts + 1) / (counts + 1).sum(axis=2, keepdims=True)
    near, far = (cloning_error(problem.mdp, expert, c).trajectory_kl for c in (linear, table))
    assert near < far / 2
    assert (linear > 0).all()


def test_certified_policies_are_as_good_as_certified() -> None:
    problem = random_linear_problem(6, 3, 2, np.random.default_rng(1), horizon=3)
    reference = np.full((3, 6, 3), 1 / 3)
    found = linear_best_policy(
        problem, reference, strength=0.5, target=0.3, rng=np.random.default_rng(0)
    )
    assert found.certified
    worth = problem.mdp.initial @ staged_policy_values(problem.mdp, found.policy)[0]
    best = regularised_induction(problem.mdp, reference, 0.5)
    assert best.plain_value - worth <= 0.3 + 0.5 * best.departure.sum()
    assert worth <= backward_induction(problem.mdp).value + 1e-9


def test_wrong_numbers_are_refused() -> None:
    problem = random_linear_problem(6, 3, 2, np.random.default_rng(1), horizon=3)
    with pytest.raises(InputError, match="above 0, got 0"):
        linear_best_policy(
            problem,
            np.full((3, 6, 3), 1 / 3),
            strength=0.0,
            target=0.3,
            rng=np.random.default_rng(0),
        )
