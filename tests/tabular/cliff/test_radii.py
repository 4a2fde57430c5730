"""Radii by hand, and that nothing below them changes a decision."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.tabular import FiniteMDP, backward_induction, random_mdp, value_iteration
from pellucid.tabular.cliff import (
    attack_radii,
    certified_radii,
    cliff_map,
    ensemble_radii,
    estimated_radii,
    staged_certified_radii,
)
from tests.tabular.problems import two_doors


def bandit(*rewards: float, discount: float = 0.0) -> FiniteMDP:
    return FiniteMDP(
        transitions=np.ones((1, len(rewards), 1)),
        rewards=np.array([rewards]),
        initial=np.ones(1),
        discount=discount,
    )


def test_radius_of_a_bandit_is_half_its_gap() -> None:
    solved = value_iteration(bandit(1.0, 0.4, 0.2))
    assert certified_radii(solved)[0] == pytest.approx(0.3)
    assert attack_radii(solved)[0] == pytest.approx(0.3)


def test_radius_by_hand_with_a_discount() -> None:
    # gap 0.2 in the hall, discount 0.5: 0.2 * 0.5 / 2; a change of 1.5 * 0.2 / 2 reaches a tie
    solved = value_iteration(two_doors(), tolerance=1e-12)
    assert certified_radii(solved)[0] == pytest.approx(0.05)
    assert attack_radii(solved)[0] == pytest.approx(0.15)
    assert certified_radii(solved)[1] == 0.0


def test_radius_by_hand_if_only_one_reward_may_change() -> None:
    # only staying in the hall may change. Lowered by r it is worth 2 - 2r; raised by r it makes the
    # door worth 0.5 * (0.2 * (2 + 2r) + 3.2) = 1.8 + 0.2r: they meet at 0.2 / 2.2
    changeable = np.zeros((3, 2), dtype=bool)
    changeable[0, 0] = True
    solved = value_iteration(two_doors(), tolerance=1e-12)
    assert certified_radii(solved, changeable=changeable)[0] == pytest.approx(0.2 / 2.2)


def test_rewards_after_the_end_cannot_change_and_sharpen_the_radius() -> None:
    # action 0 ends and pays 1; action 1 pays 0.5, comes back and could go on for ever. Raised by r
    # going on once more is worth 0.5 + r + 0.9 * (1 + r), against 1 - r: never best, unless going
    # on for ever is: (0.5 + r) / 0.1, which is the best from the start. So let it cost 1 instead:
    # -1 + r + 0.9 * (1 + r) = 1 - r at r = 1.1 / 2.9
    mdp = FiniteMDP(
        transitions=np.array([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]),
        rewards=np.array([[1.0, -1.0], [0.0, 0.0]]),
        initial=np.array([1.0, 0.0]),
        discount=0.9,
    )
    live = np.array([[True, True], [False, False]])
    solved = value_iteration(mdp, tolerance=1e-12)
    assert certified_radii(solved, changeable=live)[0] == pytest.approx(1.1 / 2.9, rel=1e-3)
    assert certified_radii(solved)[0] == pytest.approx(1.1 * 0.1 / 2)


@pytest.mark.parametrize("seed", range(3))
def test_no_change_below_a_sharp_radius_changes_a_decision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = random_mdp(6, 3, rng, n_successors=2, discount=0.9)
    transitions, rewards = base.dense.copy(), base.rewards.copy()
    transitions[5], rewards[5] = np.eye(6)[5], 0.0
    mdp = replace(base, transitions=transitions, rewards=rewards)
    live = np.broadcast_to(~mdp.terminal[:, None], mdp.rewards.shape)
    solved = value_iteration(mdp)
    sharp = certified_radii(solved, changeable=live)
    assert (sharp[:5] >= certified_radii(solved)[:5] - 1e-9).all()
    for state in range(5):
        for _ in range(30):
            signs = rng.choice([-1.0, 1.0], mdp.rewards.shape) * live
            moved = mdp.with_rewards(mdp.rewards + 0.999 * sharp[state] * signs)
            assert value_iteration(moved).actions[state] == solved.actions[state]


def test_what_cannot_change_leaves_decisions_alone() -> None:
    solved = value_iteration(two_doors(), tolerance=1e-12)
    nothing = np.zeros((3, 2), dtype=bool)
    radii = certified_radii(solved, changeable=nothing)
    assert radii[0] == np.inf
    assert radii[1] == 0.0  # a tie is one whatever may change


def test_staged_radius_is_half_the_gap_per_step_to_go() -> None:
    mdp = two_doors(discount=1.0, horizon=2)
    # at step 0 the door leads by 1.4 with two steps to go, at step 1 staying by 1 with one
    radii = staged_certified_radii(backward_induction(mdp))
    assert radii[:, 0].tolist() == pytest.approx([1.4 / 4, 1.0 / 2])


@pytest.mark.parametrize("seed", range(5))
def test_no_change_below_the_radius_changes_a_decision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mdp = random_mdp(5, 3, rng, n_successors=2, discount=0.8)
    solved = value_iteration(mdp)
    radii = certified_radii(solved)
    for _ in range(40):
        signs = rng.choice([-1.0, 1.0], mdp.rewards.shape)
        for state in range(5):
            moved = mdp.with_rewards(mdp.rewards + 0.999 * radii[state] * signs)
            assert value_iteration(moved).actions[state] == solved.actions[state]


@pytest.mark.parametrize("seed", range(5))
def test_no_change_below_a_staged_radius_changes_a_decision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mdp = random_mdp(4, 3, rng, n_successors=2, horizon=3)
    solved = backward_induction(mdp)
    radii = staged_certified_radii(solved)
    for _ in range(40):
        signs = rng.choice([-1.0, 1.0], mdp.rewards.shape)
        for state in range(4):
            moved = mdp.with_rewards(mdp.rewards + 0.999 * radii[0, state] * signs)
            assert backward_induction(moved).actions[0, state] == solved.actions[0, state]


def test_permuting_actions_permutes_nothing_else() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(1), discount=0.8)
    order = np.array([2, 0, 1])
    turned = replace(mdp, transitions=mdp.dense[:, order], rewards=mdp.rewards[:, order])
    one, other = cliff_map(mdp), cliff_map(turned)
    np.testing.assert_allclose(one.certified, other.certified, atol=1e-9)
    np.testing.assert_array_equal(one.rivals, order[other.rivals])


def test_the_error_of_estimates_is_taken_off_twice() -> None:
    q_values = np.array([[1.0, 0.4], [1.0, 0.9]])
    radii = estimated_radii(q_values, discount=0.5, q_errors=0.1)
    assert radii.tolist() == pytest.approx([(0.6 - 0.2) / 4, 0.0])


def test_an_ensemble_that_disagrees_certifies_nothing() -> None:
    agreeing = np.tile(np.array([[[1.0, 0.0]]]), (3, 1, 1))
    assert ensemble_radii(agreeing, discount=0.0).tolist() == [0.5]
    split = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]]])
    assert ensemble_radii(split, discount=0.0).tolist() == [0.0]


def test_one_action_is_kept_whatever_comes() -> None:
    assert cliff_map(bandit(1.0)).certified.tolist() == [np.inf]
    assert cliff_map(bandit(1.0)).rivals.tolist() == [-1]


def test_ties_are_counted() -> None:
    found = cliff_map(bandit(1.0, 1.0, 0.0, discount=0.5))
    assert found.n_best.tolist() == [2]
    assert found.certified.tolist() == [0.0]
