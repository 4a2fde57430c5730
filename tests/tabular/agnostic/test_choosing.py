"""The choice from a pool: what it says of itself holds, and it shows where candidates differ."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.agnostic import (
    PolicyClass,
    Pool,
    choose_policy,
    contrast_states,
    core_pool,
    exact_values,
    random_layers,
    singleton_core,
    singletons,
)


def bandit_pool(n=2000):
    """One step, two states; action 1 pays in state 1 and action 0 in state 0."""
    rng = np.random.default_rng(0)
    states, actions = rng.integers(2, size=(2, n, 1))
    returns = (states == actions)[:, 0].astype(float)
    return Pool(states, actions, returns, np.full(n, 0.5), 0.5)


RULES = PolicyClass(
    np.array([[[0, 0]], [[0, 1]], [[1, 0]], [[1, 1]]]),
    2,
    ("never", "as the state", "against the state", "always"),
)


def test_the_best_rule_is_chosen_and_known_to_be():
    found = choose_policy(RULES, bandit_pool())
    assert found.name == "as the state"
    assert found.value.low <= 1.0 <= found.value.high
    assert found.value.n == 1000
    assert found.candidates.tolist() == [1]
    assert found.most_regret < 0.3
    assert found.contrasts == ()
    assert "as the state: expected return" in str(found)


def test_few_rollouts_leave_candidates_and_show_where_they_differ():
    found = choose_policy(RULES, bandit_pool(40))
    assert found.name == "as the state"
    assert not found.value.measured
    assert found.value.n_unscored == 20
    assert "not measured, fewer than 30 of 20 roll-outs" in str(found)
    assert found.candidates.tolist() == [0, 1, 2, 3]
    assert found.most_regret > 0.3
    assert {(one.step, one.state) for one in found.contrasts} == {(0, 0), (0, 1)}
    first = found.contrasts[0]
    assert first.agreement == 0.5
    assert first.visits.n == 40
    assert first.visits.value >= found.contrasts[1].visits.value
    assert "step 0, state" in str(found)


def test_contrasts_are_where_the_chosen_policy_leaves_the_common_behaviour():
    rng = np.random.default_rng(0)
    mdp = random_layers(3, 2, rng)
    policies = singletons(3, 2)
    pool = core_pool(mdp, singleton_core(3, 2), 100, rng)
    shown = contrast_states(policies, 4, np.arange(len(policies)), pool)
    by_place = {(one.step, one.state): one for one in shown}
    # state 1 of the first step is never met
    assert (0, 1) not in by_place
    place = (1, 1)  # where policy 4 takes action 1
    if place in by_place:
        assert by_place[place].chosen == 1
        assert by_place[place].common == 0
    assert all(one.agreement == pytest.approx(6 / 7) for one in shown)
    assert all(one.chosen == (1 if key == place else 0) for key, one in by_place.items())


@pytest.mark.slow
def test_bounds_on_regret_hold_and_intervals_mostly():
    held, covered = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mdp = random_layers(4, 3, rng)
        policies = singletons(4, 3)
        truth = exact_values(mdp, policies)
        found = choose_policy(policies, core_pool(mdp, singleton_core(4, 3), 600, rng))
        held.append(truth.max() - truth[found.policy] <= found.most_regret)
        covered.append(found.value.low <= truth[found.policy] <= found.value.high)
    assert all(held)
    assert sum(covered) >= 17


def test_policies_that_no_rollout_follows_are_not_chosen_but_stay_candidates():
    pool = bandit_pool()
    mute = Pool(
        pool.states, np.zeros_like(pool.actions), pool.returns, pool.chances, pool.smallest_chance
    )
    found = choose_policy(RULES.subset([0, 3]), mute)
    assert found.name == "never"
    assert found.n_not_measured == 1
    # nothing is known of the other one, so that it may be worth 1
    assert found.candidates.tolist() == [0, 1]
    assert found.most_regret > 0.05
    with pytest.raises(InputError, match="none follows one to the end"):
        choose_policy(RULES.subset([3]), mute)


def test_pools_that_cannot_decide_are_refused():
    pool = bandit_pool()
    with pytest.raises(InputError, match="at least 4 roll-outs, got 3"):
        choose_policy(RULES, pool.part(np.arange(3)))
    double = Pool(pool.states, pool.actions, 2 * pool.returns, pool.chances, 0.5)
    with pytest.raises(InputError, match=r"expected returns from 0 to 1, got 2\.0"):
        choose_policy(RULES, double)


def test_the_same_seed_gives_the_same_choice():
    one, other = (choose_policy(RULES, bandit_pool(40), seed=3) for _ in range(2))
    assert str(one) == str(other)
