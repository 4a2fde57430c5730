"""Solvers against values computed by hand, against enumeration and against each other."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import (
    advantages,
    backward_induction,
    best_actions,
    gaps,
    greedy_policy,
    occupancies,
    policy_values,
    random_mdp,
    staged_occupancies,
    staged_policy_values,
    uniform_policy,
    value_iteration,
)
from tests.tabular.problems import two_doors
from tests.tabular.test_mdp import sparse_twin


@pytest.mark.parametrize("is_sparse", [False, True])
def test_backward_induction_by_hand(is_sparse: bool) -> None:
    # two steps to go, discount 1: staying pays 1 + 1, the door pays 0.2 * 1 + 0.8 * 4 = 3.4
    mdp = two_doors(discount=1.0, horizon=2)
    solved = backward_induction(sparse_twin(mdp) if is_sparse else mdp)
    np.testing.assert_allclose(solved.values, [[3.4, 4, 0], [1, 4, 0], [0, 0, 0]])
    assert solved.actions[:, 0].tolist() == [1, 0]
    np.testing.assert_allclose(solved.q_values(0)[0], [2.0, 3.4])
    assert solved.value == pytest.approx(3.4)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_value_iteration_by_hand(is_sparse: bool) -> None:
    # discount 0.5: staying for ever is worth 2; the door is V = 0.5 (0.2 V + 0.8 * 4) = 1.6 / 0.9,
    # which is less, so it is best to stay and the door is worth 0.5 (0.2 * 2 + 0.8 * 4) = 1.8
    mdp = two_doors()
    solved = value_iteration(sparse_twin(mdp) if is_sparse else mdp, tolerance=1e-12)
    np.testing.assert_allclose(solved.values, [2, 4, 0], atol=1e-11)
    np.testing.assert_allclose(solved.q_values[0], [2, 1.8], atol=1e-11)
    assert solved.error_bound <= 1e-12
    assert gaps(solved.q_values)[0] == pytest.approx(0.2)
    assert gaps(solved.q_values)[1] == 0


def test_value_iteration_equals_the_best_of_all_policies() -> None:
    mdp = random_mdp(4, 3, np.random.default_rng(3), discount=0.8)
    best = np.max(
        [policy_values(mdp, np.eye(3)[list(p)]) for p in itertools.product(range(3), repeat=4)],
        axis=0,
    )
    np.testing.assert_allclose(value_iteration(mdp).values, best, atol=1e-9)


def test_value_iteration_that_is_stopped_says_how_far_off_it_is() -> None:
    mdp = random_mdp(4, 3, np.random.default_rng(3), discount=0.9)
    rough, exact = value_iteration(mdp, max_sweeps=3), value_iteration(mdp, tolerance=1e-12)
    assert rough.n_sweeps == 3
    error = np.abs(rough.values - exact.values).max()
    assert 1e-6 < error <= rough.error_bound


def test_policy_values_and_occupancies_agree() -> None:
    mdp = random_mdp(6, 2, np.random.default_rng(5), n_successors=3, discount=0.9)
    policy = np.random.default_rng(6).dirichlet(np.ones(2), size=6)
    visits = occupancies(mdp, policy)
    assert visits.sum() == pytest.approx(10.0)
    assert (visits * mdp.rewards).sum() == pytest.approx(mdp.initial @ policy_values(mdp, policy))


def test_staged_values_and_occupancies_agree() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(7), horizon=4)
    policy = np.random.default_rng(8).dirichlet(np.ones(3), size=(4, 5))
    visits, values = staged_occupancies(mdp, policy), staged_policy_values(mdp, policy)
    np.testing.assert_allclose(visits.sum(axis=(1, 2)), 1.0)
    assert (visits * mdp.rewards).sum() == pytest.approx(mdp.initial @ values[0])


def test_the_best_policy_earns_the_best_value() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(9), horizon=4)
    solved = backward_induction(mdp)
    best = np.stack([greedy_policy(solved.q_values(step)) for step in range(4)])
    np.testing.assert_allclose(staged_policy_values(mdp, best), solved.values)
    np.testing.assert_array_equal(best.argmax(axis=2), solved.actions)


def test_a_long_horizon_ends_in_the_discounted_values() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(2), discount=0.7)
    solved = backward_induction(replace(mdp, horizon=200))
    np.testing.assert_allclose(solved.values[0], value_iteration(mdp).values, atol=1e-9)


def test_scaling_rewards_scales_values_and_gaps() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(2), discount=0.7)
    scaled = value_iteration(mdp.with_rewards(3 * mdp.rewards), tolerance=1e-12)
    plain = value_iteration(mdp, tolerance=1e-12)
    np.testing.assert_allclose(scaled.q_values, 3 * plain.q_values, atol=1e-10)
    np.testing.assert_allclose(gaps(scaled.q_values), 3 * gaps(plain.q_values), atol=1e-10)


def test_advantages_of_a_policy_average_to_zero() -> None:
    q_values = np.array([[1.0, 3.0], [2.0, 2.0]])
    policy = np.array([[0.5, 0.5], [0.1, 0.9]])
    np.testing.assert_allclose(advantages(q_values, policy), [[-1, 1], [0, 0]])


def test_ties_are_ties_up_to_the_tolerance() -> None:
    q_values = np.array([[1.0, 1.0 - 1e-12, 0.5]])
    assert best_actions(q_values, tolerance=1e-9).tolist() == [[True, True, False]]
    assert best_actions(q_values, tolerance=0.0).tolist() == [[True, False, False]]


def test_one_action_has_no_runner_up() -> None:
    assert gaps(np.array([[1.0], [2.0]])).tolist() == [np.inf, np.inf]


def test_the_wrong_kind_of_time_is_refused() -> None:
    with pytest.raises(InputError, match="with a horizon"):
        backward_induction(two_doors())
    with pytest.raises(InputError, match="without a horizon, got one of 3 steps"):
        value_iteration(two_doors(horizon=3))
    with pytest.raises(InputError, match=r"policy of shape \(3, 2\)"):
        policy_values(two_doors(), np.ones((3, 1)))


def test_uniform_policy_rows_sum_to_one() -> None:
    np.testing.assert_allclose(uniform_policy(two_doors()), 0.5)
