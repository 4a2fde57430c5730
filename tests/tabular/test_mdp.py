"""FiniteMDP: what it accepts, what it refuses and how it counts."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from pellucid.errors import InputError
from pellucid.tabular import FiniteMDP, random_mdp
from pellucid.tabular.mdp import Transitions
from tests.tabular.problems import two_doors


def sparse_twin(mdp: FiniteMDP) -> FiniteMDP:
    return replace(mdp, transitions=sparse.csr_array(mdp.dense.reshape(-1, mdp.n_states)))


def test_dense_and_sparse_give_the_same_expectations() -> None:
    mdp = random_mdp(7, 3, np.random.default_rng(0), n_successors=2, discount=0.9)
    twin = sparse_twin(mdp)
    values, weights = np.arange(7.0), np.random.default_rng(1).random((7, 3))
    np.testing.assert_allclose(mdp.expected_next(values), twin.expected_next(values), atol=1e-14)
    np.testing.assert_allclose(
        mdp.next_distribution(weights), twin.next_distribution(weights), atol=1e-14
    )
    np.testing.assert_array_equal(mdp.dense, twin.dense)
    assert twin.csr.nnz == mdp.csr.nnz == 7 * 3 * 2


def test_expectation_by_hand() -> None:
    # from the hall action 1: 0.2 * 10 + 0.8 * 20
    np.testing.assert_allclose(
        two_doors().expected_next(np.array([10.0, 20.0, 0.0])), [[10, 18], [0, 0], [0, 0]]
    )


def test_terminal_states_stay_and_pay_nothing() -> None:
    mdp = two_doors()
    assert mdp.terminal.tolist() == [False, False, True]
    assert sparse_twin(mdp).terminal.tolist() == [False, False, True]
    paying = mdp.with_rewards(np.array([[1.0, 0.0], [4.0, 4.0], [0.0, 1.0]]))
    assert not paying.terminal.any()


def test_stored_zeros_do_not_count_as_outcomes() -> None:
    matrix = sparse.csr_array(
        (np.array([1.0, 0.0, 1.0]), np.array([0, 1, 1]), np.array([0, 2, 3])), shape=(2, 2)
    )
    mdp = FiniteMDP(
        transitions=matrix, rewards=np.zeros((2, 1)), initial=np.array([1.0, 0.0]), horizon=1
    )
    assert mdp.deterministic
    assert mdp.next_states.tolist() == [[0], [1]]


def test_next_states_name_the_first_random_action() -> None:
    with pytest.raises(InputError, match="got 2 for state 0, action 1"):
        _ = two_doors().next_states


def test_unreachable_states_are_found_and_left_out() -> None:
    mdp = replace(two_doors(), initial=np.array([0.0, 1.0, 0.0]))
    assert mdp.reachable.tolist() == [False, True, True]
    for problem in (mdp, sparse_twin(mdp)):
        small = problem.restricted()
        assert small.n_states == 2
        assert small.dense[0, 0].tolist() == [0.0, 1.0]
        assert small.rewards.tolist() == [[4, 4], [0, 0]]


@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_row_that_does_not_sum_to_one_is_named_with_its_distance(is_sparse: bool) -> None:
    mdp = two_doors()
    broken = mdp.dense.copy()
    broken[0, 1, 1] = 0.7
    transitions: Transitions = sparse.csr_array(broken.reshape(-1, 3)) if is_sparse else broken
    with pytest.raises(InputError, match=r"state 0, action 1 to sum to 1, got 0.9 \(off by -0.1\)"):
        replace(mdp, transitions=transitions)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rewards": np.array([[1, np.nan], [4, 4], [0, 0.0]])}, "got nan for state 0, action 1"),
        ({"rewards": np.zeros((2, 2))}, r"expected transitions of shape \(2, 2, 2\)"),
        ({"rewards": np.zeros(3)}, r"shape \(states, actions\)"),
        ({"discount": 1.0}, "values would be infinite"),
        ({"discount": 1.5, "horizon": 3}, "discount from 0 to 1"),
        ({"horizon": 0}, "at least 1 step"),
        ({"initial": np.array([0.5, 0.0, 0.0])}, "sum to 1, got 0.5"),
        ({"initial": np.array([1.0, 0.0])}, r"initial distribution of shape \(3,\)"),
        ({"action_names": ("go",)}, "expected 2 action names, got 1"),
        ({"transitions": -two_doors().dense}, "probabilities from 0 to 1, got -"),
    ],
)
def test_what_is_no_problem_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(two_doors(), **changes)  # type: ignore[arg-type]
