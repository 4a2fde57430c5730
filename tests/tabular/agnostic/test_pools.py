"""Pools value policies as counting by hand does, without bias, and refuse what is no pool."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.agnostic import (
    PolicyClass,
    Pool,
    all_policies,
    core_pool,
    exact_values,
    follows,
    pool_values,
    random_layers,
    singleton_core,
    singletons,
    uniform_pool,
    weighted_returns,
)


def small_pool():
    return Pool(
        states=np.array([[0, 1], [0, 0], [0, 1], [0, 1]]),
        actions=np.array([[0, 1], [1, 0], [0, 0], [0, 1]]),
        returns=np.array([1.0, 0.5, 0.25, 0.0]),
        chances=np.array([0.25, 0.5, 0.25, 0.25]),
        smallest_chance=0.25,
    )


def test_values_counted_by_hand():
    policies = PolicyClass(np.array([[[0, 0], [0, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 0]]]), 2)
    found = pool_values(policies, small_pool())
    # policy 0 takes roll-outs 0 and 3, policy 1 takes 1, policy 2 takes 2
    assert found.values.tolist() == [1.0, 0.25, 0.25]
    assert found.n_followed.tolist() == [2, 1, 1]
    assert found.variances.tolist() == pytest.approx([4.0, 0.25, 0.25])
    assert weighted_returns(policies, 0, small_pool()).tolist() == [4.0, 0.0, 0.0, 0.0]
    assert follows(policies, 0, small_pool()).tolist() == [True, False, False, True]


@pytest.mark.parametrize("rewards", ["two levels", "all different"])
@pytest.mark.parametrize("n_policies", [1, 63, 64, 65, 200])
def test_words_of_policies_agree_with_one_policy_at_a_time(n_policies, rewards):
    rng = np.random.default_rng(n_policies)
    mdp = random_layers(4, 3, rng)
    policies = PolicyClass(rng.integers(2, size=(n_policies, 4, 3)), 2)
    pool = uniform_pool(mdp, 300, rng)
    if rewards == "all different":
        pool = replace(pool, returns=rng.random(300))
    found = pool_values(policies, pool)
    each = np.stack([weighted_returns(policies, one, pool) for one in range(n_policies)])
    np.testing.assert_allclose(found.values, each.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(found.variances, each.var(axis=1, ddof=1), atol=1e-9)
    counted = [int(follows(policies, one, pool).sum()) for one in range(n_policies)]
    assert found.n_followed.tolist() == counted


def every_rollout(mdp, chance_of):
    """All roll-outs with a chance, as a pool whose rows are to be weighted by these chances."""
    rows = []
    for states in product(range(mdp.n_states), repeat=mdp.n_steps):
        for actions in product(range(2), repeat=mdp.n_steps):
            chance = mdp.initial[states[0]]
            for step in range(mdp.n_steps - 1):
                chance *= mdp.transitions[step, states[step], actions[step], states[step + 1]]
            logged = chance_of(states, actions)
            if chance * logged > 0:
                steps = range(mdp.n_steps)
                paid = sum(mdp.rewards[t, states[t], actions[t]] for t in steps)
                rows.append((states, actions, paid, logged, chance * logged))
    states, actions, returns, logged, weights = map(np.array, zip(*rows, strict=True))
    return Pool(states, actions, returns, logged, float(logged.min())), weights


@pytest.mark.parametrize("way", ["uniform", "core"])
def test_estimators_are_unbiased_over_all_rollouts(way):
    mdp = random_layers(3, 2, np.random.default_rng(3))
    core = singleton_core(3, 2)

    def chance_of(states, actions):
        if way == "uniform":
            return 0.5**3
        same = core.actions[:, range(3), states] == np.array(actions)
        return same.all(axis=1).mean()

    pool, weights = every_rollout(mdp, chance_of)
    assert weights.sum() == pytest.approx(1.0)
    policies = singletons(3, 2) if way == "core" else all_policies(3, 2, 2)
    expected = [
        float(weights @ weighted_returns(policies, one, pool)) for one in range(len(policies))
    ]
    np.testing.assert_allclose(expected, exact_values(mdp, policies), atol=1e-12)


def test_the_core_of_singletons_is_biased_for_policies_it_does_not_cover():
    mdp = random_layers(3, 2, np.random.default_rng(3))
    everywhere = PolicyClass(np.ones((1, 3, 2), dtype=int), 2)
    pool = core_pool(mdp, singleton_core(3, 2), 1000, np.random.default_rng(0))
    assert pool_values(everywhere, pool).values[0] == 0.0 < exact_values(mdp, everywhere)[0]
    assert pool_values(everywhere, pool).n_followed[0] == 0


def test_logged_chances_are_those_of_the_core():
    mdp = random_layers(3, 2, np.random.default_rng(3))
    pool = core_pool(mdp, singleton_core(3, 2), 500, np.random.default_rng(0))
    # all roll-outs of these four core policies differ: each has one chance in four
    assert set(pool.chances) == {0.25}
    twice = PolicyClass(np.zeros((2, 3, 2), dtype=int), 2)
    assert set(core_pool(mdp, twice, 50, np.random.default_rng(0)).chances) == {1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": np.zeros((4, 3), dtype=int)}, r"expected actions of shape \(4, 2\)"),
        ({"returns": np.array([1.0, np.nan, 0.0, 0.0])}, "expected finite returns, got nan in 1"),
        ({"chances": np.array([0.25, 0.1, 0.25, 0.25])}, "got 0.1 in roll-out 1"),
        ({"smallest_chance": 0.0}, r"expected a chance in \(0, 1\], got 0.0"),
    ],
)
def test_pools_that_are_none_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(small_pool(), **change)


def test_pools_of_other_problems_are_refused():
    with pytest.raises(InputError, match="expected roll-outs of 3 steps, got 2"):
        pool_values(singletons(3, 2), small_pool())
    with pytest.raises(InputError, match="expected states from 0 to 0 in the pool, got 1"):
        pool_values(singletons(2, 1), small_pool())
    mdp = random_layers(2, 2, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"expected policies for \(2, 2, 2\)"):
        core_pool(mdp, singleton_core(3, 2), 5, np.random.default_rng(0))
    for n in (0, -3):
        with pytest.raises(InputError, match=f"at least one roll-out, got {n}"):
            uniform_pool(mdp, n, np.random.default_rng(0))
    too_much = replace(mdp, rewards=mdp.rewards + 1)
    with pytest.raises(InputError, match="expected rewards from 0 to 1"):
        uniform_pool(too_much, 5, np.random.default_rng(0))


def test_the_same_seed_gives_the_same_pool():
    mdp = random_layers(4, 3, np.random.default_rng(0))
    one, other = (uniform_pool(mdp, 50, np.random.default_rng(7)) for _ in range(2))
    assert one.states.tobytes() == other.states.tobytes()
    assert one.returns.tobytes() == other.returns.tobytes()
