"""Attacks flip what they are meant to flip, no stronger than they say."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import best_actions, random_mdp, value_iteration
from pellucid.tabular.cliff import (
    attack,
    attack_radii,
    certified_radii,
    cliff_index,
    flip_radius,
    inverse_bellman,
    tied_rewards,
)
from tests.tabular.cliff.test_radii import bandit


def test_inverse_bellman_turns_values_back_into_rewards() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(0), discount=0.9)
    wanted = np.random.default_rng(1).normal(size=(5, 3))
    solved = value_iteration(mdp.with_rewards(inverse_bellman(mdp, wanted)), tolerance=1e-12)
    np.testing.assert_allclose(solved.q_values, wanted, atol=1e-10)
    same = inverse_bellman(mdp, value_iteration(mdp, tolerance=1e-12).q_values)
    np.testing.assert_allclose(same, mdp.rewards, atol=1e-10)


@pytest.mark.parametrize("rival", [None, 0, 1, 2])
def test_attacks_make_the_rival_the_only_best_action(rival: int | None) -> None:
    mdp = random_mdp(6, 3, np.random.default_rng(3), n_successors=2, discount=0.8)
    solved = value_iteration(mdp, tolerance=1e-12)
    for state in range(6):
        if rival == solved.actions[state]:
            continue
        found = attack(solved, state, rival=rival)
        moved = value_iteration(mdp.with_rewards(found.rewards), tolerance=1e-12)
        best = best_actions(moved.q_values, tolerance=1e-9)[state]
        assert np.flatnonzero(best).tolist() == [found.rival]
        assert np.abs(found.rewards - mdp.rewards).max() == pytest.approx(found.norm)
        if rival is None:
            assert found.norm <= attack_radii(solved)[state] + 1e-5


def test_the_flip_lies_between_the_radii() -> None:
    mdp = random_mdp(6, 3, np.random.default_rng(3), n_successors=2, discount=0.8)
    solved = value_iteration(mdp, tolerance=1e-12)
    for state in range(6):
        flip = flip_radius(solved, state)
        assert certified_radii(solved)[state] - 1e-9 <= flip <= attack_radii(solved)[state] + 1e-6


def test_the_flip_of_a_bandit_is_half_its_gap() -> None:
    solved = value_iteration(bandit(1.0, 0.4))
    assert flip_radius(solved, 0) == pytest.approx(0.3, abs=1e-5)


@pytest.mark.parametrize("n_tied", [2, 3])
def test_tied_rewards_tie_as_many_actions_as_asked(n_tied: int) -> None:
    mdp = random_mdp(4, 4, np.random.default_rng(5), discount=0.7)
    tied = tied_rewards(value_iteration(mdp, tolerance=1e-12), 2, n_tied)
    solved = value_iteration(mdp.with_rewards(tied), tolerance=1e-12)
    assert best_actions(solved.q_values, tolerance=1e-9)[2].sum() == n_tied


def test_cliff_index_of_a_bandit() -> None:
    # of two even draws from [-1, 1], the second exceeds the first by more than 1 in 1/8 of cases
    share = cliff_index(
        bandit(1.0, 0.0), change=1.0, n_draws=2000, rng=np.random.default_rng(0), state=0
    )
    assert share.low < 1 / 8 < share.high
    assert share.n == 2000


def test_wrong_attacks_are_refused() -> None:
    solved = value_iteration(bandit(1.0, 0.4))
    with pytest.raises(InputError, match="the best already"):
        attack(solved, 0, rival=0)
    with pytest.raises(InputError, match="a problem with one"):
        attack(value_iteration(bandit(1.0)), 0)
    with pytest.raises(InputError, match="expected 2 to 2 tied actions, got 3"):
        tied_rewards(solved, 0, 3)
