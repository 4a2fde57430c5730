"""Bounds on the effective horizon: by hand, and against what planning really takes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import from_table, random_mdp
from pellucid.tabular.bridge import bridge_mdp
from pellucid.tabular.generators import combination_lock, grid_world, random_graph
from pellucid.tabular.horizon import (
    chance_bound,
    coverage,
    covering_length,
    failure_bound,
    plan,
    planning_cost,
    simple_bound,
    stages,
    tight_bound,
    tight_level,
)
from pellucid.tabular.horizon.returns import return_moments
from tests.tabular.horizon.problems import lock, trap


def test_the_simple_bound_of_a_lock_by_hand() -> None:
    # at the start: gap (1/2)^2, variance (1/2)^2 * 1; so 16 * 4 * ln(2 * 3 * 2) episodes
    level = simple_bound(stages(lock(3))).levels[0]
    assert (level.k, level.m) == (1, math.ceil(16 * 4 * math.log(12)))
    assert level.bottleneck.gap == 0.25
    assert level.horizon == pytest.approx(1 + math.log2(level.m))


def test_levels_that_fail_are_left_out() -> None:
    assert simple_bound(stages(trap(0.6))).levels == ()  # the next k is the horizon
    assert simple_bound(stages(trap(0.6))).horizon == 2.0


def test_one_action_leaves_nothing_to_find_out() -> None:
    mdp = from_table(np.array([[0]]), np.array([[1.0]]), horizon=4)
    assert simple_bound(stages(mdp)).horizon == 1.0
    assert tight_bound(stages(mdp)).tightest.horizon == 1.0


def test_chance_is_refused() -> None:
    staged = stages(random_mdp(3, 2, np.random.default_rng(0), horizon=3))
    for bound in (simple_bound, tight_bound):
        with pytest.raises(InputError, match="expected one next state per action"):
            bound(staged)


# --- the tight bound ---


def test_failure_of_a_lock_by_hand() -> None:
    # with one episode the first action is told if random play does the rest, 1/4; else all tie.
    # then 1/2, and the last choice is always seen
    staged = stages(lock(3))
    assert failure_bound(staged, 1, 1) == pytest.approx(1 - 1 / 4 * 1 / 2)


def test_failure_of_a_lock_equals_that_of_planning_when_ties_fail() -> None:
    # action 0 comes first and is wrong, so that ties fail as the bound fears
    staged = stages(lock(4))
    for m in (3, 8):
        failed = [not plan(staged, 1, m, seed=seed).optimal for seed in range(2000)]
        expected = failure_bound(staged, 1, m)
        assert np.mean(failed) == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 2000))


@pytest.mark.parametrize("k", [1, 2])
def test_planning_never_fails_more_than_the_bound(k) -> None:
    rng = np.random.default_rng(7)
    problems = [
        grid_world(3, rng, horizon=5, shaped=True),
        random_graph(6, 3, rng, horizon=4),
        combination_lock(3, 3, rng),
    ]
    for mdp in problems:
        staged = stages(mdp)
        for m in (2, 20):
            failed = np.mean([not plan(staged, k, m, seed=seed).optimal for seed in range(400)])
            assert failed <= failure_bound(staged, k, m) + 4 * math.sqrt(0.25 / 400)


def test_more_lookahead_is_kept_only_if_it_is_better() -> None:
    levels = tight_bound(stages(trap(0.6))).levels
    assert [level.k for level in levels] == [1, 2]
    assert levels[0].m is None
    assert levels[0].horizon == math.inf
    # every sequence is seen as it is
    assert (levels[1].m, levels[1].horizon, levels[1].env_steps) == (1, 2.0, 16.0)


def test_the_least_number_of_episodes_is_least() -> None:
    staged = stages(bridge_mdp("freeway_10_fs30"))
    m = tight_level(staged, 1).m
    assert m is not None
    assert failure_bound(staged, 1, m) <= 0.5 < failure_bound(staged, 1, m - 1)


def test_returns_that_are_too_many_are_left_out() -> None:
    rng = np.random.default_rng(0)
    rewards = rng.random((4, 3))
    mdp = from_table(rng.integers(4, size=(4, 3)), rewards, horizon=8)
    assert return_moments(stages(mdp), max_atoms=16) is None
    assert return_moments(stages(mdp), max_atoms=10_000) is not None


def test_moments_of_returns_by_hand() -> None:
    moments = return_moments(stages(lock(2)))
    assert moments is not None
    # from the start 1 with chance 1/4; from the second state 1 with chance 1/2
    assert moments.variances[0, 0] == pytest.approx(3 / 16)
    assert moments.thirds[0, 0] == pytest.approx(3 / 16 * (1 / 16 + 9 / 16))
    assert moments.variances[1, :2].tolist() == pytest.approx([0.0, 1 / 4])


def test_scaling_rewards_changes_no_bound() -> None:
    mdp = random_graph(6, 3, np.random.default_rng(3), horizon=5)
    for factor in (100.0, 0.01):
        scaled = mdp.with_rewards(mdp.rewards * factor)
        a, b = stages(mdp), stages(scaled)
        assert simple_bound(a).horizon == pytest.approx(simple_bound(b).horizon)
        assert tight_bound(a).tightest.m == tight_bound(b).tightest.m


# --- the others ---


def test_covering_a_lock_by_hand() -> None:
    staged = stages(lock(2))
    found = coverage(staged)
    # the second state is there with chance 1/2 at step 1, and each action half of that
    assert (found.state, found.pair, found.n_unreached) == (0.5, 0.25, 0)
    assert covering_length(staged) == pytest.approx(math.log(2 * 3 * 2) / 0.25)


def test_the_form_with_chance_by_hand() -> None:
    # of a lock of two the least gap is 1/2 at step 0: k + log2(4)
    levels = chance_bound(stages(lock(2)))
    assert [(one.k, one.gap, one.horizon) for one in levels] == [(1, 0.5, 3.0), (2, 1.0, 2.0)]
    assert [one.k for one in chance_bound(stages(trap(0.6)))] == [2]


# --- planning ---


def test_a_plan_with_enough_episodes_opens_the_lock() -> None:
    made = plan(stages(lock(4)), 1, 200, seed=0)
    assert made.actions.tolist() == [1, 1, 1, 1]
    assert (made.value, made.optimal) == (1.0, True)


def test_steps_are_counted_with_and_without_restoring() -> None:
    # two steps and two actions; the end comes only after them: 3 episodes each of 2 steps at the
    # first step and 1 at the second, where going there again costs 1 more
    made = plan(stages(lock(2)), 1, 3, seed=0)
    assert made.restored_steps == 2 * 3 * 2 + 2 * 3 * 1
    assert made.env_steps == made.restored_steps + 2 * 3 * 1


def test_lookahead_finds_what_is_behind_the_bait() -> None:
    staged = stages(trap(0.6))
    assert plan(staged, 1, 1000, seed=0).value == 0.6
    assert plan(staged, 2, 1, seed=0).value == 1.0


def test_plans_are_the_same_for_the_same_seed() -> None:
    staged = stages(grid_world(4, np.random.default_rng(1), horizon=8))
    first, again, other = (plan(staged, 1, 5, seed=seed) for seed in (0, 0, 1))
    assert first.actions.tolist() == again.actions.tolist()
    assert (first.value, first.env_steps) == (again.value, again.env_steps)
    assert first.actions.tolist() != other.actions.tolist()


def test_an_exploration_policy_is_followed() -> None:
    mdp = lock(6)
    knowing = np.tile([0.0, 1.0], (7, 1))
    assert plan(stages(mdp, exploration=knowing), 1, 1, seed=0).optimal
    assert planning_cost(stages(mdp, exploration=knowing), 1, seed=0).m == 1


def test_the_cost_of_planning_is_that_of_the_least_number_of_episodes() -> None:
    staged = stages(bridge_mdp("freeway_10_fs30"))
    cost = planning_cost(staged, 1, seed=0, n_runs=501)
    # exact chances say that 30 episodes are the least that is enough
    assert cost.m is not None
    assert 26 <= cost.m <= 34
    assert cost.env_steps == 3 * cost.m * 10**2
    assert cost.success.value >= 0.5
    assert cost.env_steps <= tight_level(staged, 1).env_steps


def test_what_is_not_solved_says_so() -> None:
    cost = planning_cost(stages(lock(12)), 1, seed=0, budget=10_000)
    assert not cost.solved
    assert cost.env_steps == math.inf
    assert cost.success.value < 0.5


def test_bad_arguments_of_planning_are_refused() -> None:
    with pytest.raises(InputError, match="got 0 and 1"):
        plan(stages(lock(2)), 0, 1, seed=0)
    two_starts = replace(lock(2), initial=np.array([0.5, 0.5, 0.0]))
    with pytest.raises(InputError, match="expected one first state, got 2"):
        plan(stages(two_starts), 1, 1, seed=0)
