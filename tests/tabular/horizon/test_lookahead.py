"""Steps of lookahead, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import CapabilityError, InputError
from pellucid.tabular import FiniteMDP, from_table, random_mdp
from pellucid.tabular.horizon import (
    effective_planning_window,
    greedy_returns,
    minimum_k,
    stages,
    with_sticky_actions,
)
from tests.tabular.horizon.problems import lock, trap


def test_a_lock_needs_no_lookahead_and_a_planner_all_of_it() -> None:
    staged = stages(lock(5))
    assert minimum_k(staged) == 1
    assert effective_planning_window(staged) == 5
    assert float(staged.mdp.initial @ staged.explored[0]) == 0.5**5


@pytest.mark.parametrize(("bait", "k"), [(0.4, 1), (0.6, 2)])
def test_a_bait_needs_lookahead_if_it_beats_random_play(bait, k) -> None:
    assert minimum_k(stages(trap(bait))) == k


def test_a_tie_with_a_suboptimal_action_counts_as_not_solved() -> None:
    # random play makes 1/2 of the better way, which the bait pays too
    staged = stages(trap(0.5))
    assert minimum_k(staged) == 2
    assert greedy_returns(staged, 2).tolist() == [0.5, 1.0]


def test_exploration_that_knows_the_way_needs_less_lookahead() -> None:
    mdp = trap(0.6)
    knowing = np.full(mdp.rewards.shape, 0.5)
    knowing[1] = (0.1, 0.9)
    assert minimum_k(stages(mdp, exploration=knowing)) == 1


def test_with_chance_the_values_are_expectations() -> None:
    # the way on is left to chance: 0.8 of the time one is there
    transitions = np.zeros((3, 2, 3))
    transitions[0] = [[0, 0, 1.0], [0, 0.8, 0.2]]
    transitions[1:, :, 2] = 1.0
    rewards = np.array([[0.5, 0.0], [0.0, 1.0], [0.0, 0.0]])
    mdp = FiniteMDP(
        transitions=transitions, rewards=rewards, initial=np.array([1.0, 0, 0]), horizon=2
    )
    staged = stages(mdp)
    assert minimum_k(staged) == 2  # 0.5 against 0.8 * 0.5
    assert greedy_returns(staged, 2).tolist() == pytest.approx([0.5, 0.8])


def test_as_many_backups_as_steps_are_always_enough() -> None:
    for seed in range(20):
        mdp = random_mdp(6, 3, np.random.default_rng(seed), n_successors=2, horizon=5)
        staged = stages(mdp)
        k = minimum_k(staged)
        returns = greedy_returns(staged, 5)
        best = float(mdp.initial @ staged.best[0])
        assert returns[-1] == pytest.approx(best)
        assert returns[k - 1] == pytest.approx(best, abs=1e-3)


# --- sticky actions ---


def test_sticky_actions_by_hand() -> None:
    # two steps; the second action is replaced by the first with chance 1/4
    mdp = from_table(np.array([[0, 0]]), np.array([[0.0, 1.0]]), horizon=2)
    sticky = with_sticky_actions(mdp, 0.25)
    assert sticky.state_names == (
        "state 0, after action 0",
        "state 0, after action 1",
        "state 0, at the start",
    )
    assert sticky.rewards.tolist() == [[0.0, 0.75], [0.25, 1.0], [0.0, 1.0]]
    staged = stages(sticky)
    assert float(sticky.initial @ staged.best[0]) == 2.0
    assert float(sticky.initial @ staged.explored[0]) == 1.0


def test_nothing_sticks_without_a_chance_of_it() -> None:
    mdp = random_mdp(4, 2, np.random.default_rng(0), horizon=3)
    loose = stages(with_sticky_actions(mdp, 0.0))
    assert float(loose.mdp.initial @ loose.best[0]) == pytest.approx(
        float(mdp.initial @ stages(mdp).best[0])
    )


@pytest.mark.parametrize("probability", [-0.1, 1.0, float("nan")])
def test_a_probability_out_of_range_is_refused(probability) -> None:
    with pytest.raises(InputError, match="probability of sticking"):
        with_sticky_actions(lock(2), probability)


# --- what is refused ---


def test_problems_without_episodes_are_refused() -> None:
    endless = replace(lock(3), horizon=None, discount=0.9)
    with pytest.raises(InputError, match="expected a problem with a horizon"):
        stages(endless)
    with pytest.raises(CapabilityError, match=r"expected a discount of 1, got 0\.9"):
        stages(replace(lock(3), discount=0.9))


def test_problems_that_do_not_fit_are_refused() -> None:
    with pytest.raises(CapabilityError, match="6 states times 100000000 steps are too many"):
        stages(replace(lock(5), horizon=100_000_000))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.ones((2, 2)) / 2, r"of shape \(3, 2\), got \(2, 2\)"),
        (np.array([[0.5, 0.4], [0.5, 0.5], [0.5, 0.5]]), "sum to 1 in state 0, got 0.9"),
        (np.array([[1.5, -0.5], [0.5, 0.5], [0.5, 0.5]]), "probabilities from 0 to 1"),
    ],
)
def test_an_exploration_policy_that_is_none_is_refused(policy, message) -> None:
    with pytest.raises(InputError, match=message):
        stages(lock(2), exploration=policy)
