"""Learners of each kind of access against values that are known exactly."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import random_mdp, staged_policy_values
from pellucid.tabular.agnostic import (
    PolicyClass,
    all_policies,
    amplification_chain,
    block_lock,
    cpi,
    deterministic_layers,
    emulated,
    exact_values,
    popler,
    psdp,
    psdp_exact,
    random_layers,
    rare_states,
    reachable_petals,
    reset_value,
    singleton_sunflower,
    singletons,
    staged,
    trajectory_trees,
    walked_values,
)
from pellucid.tabular.agnostic.conservative import exact_table, sampled_table
from pellucid.tabular.agnostic.sunflowers import Sunflower
from pellucid.tabular.contrastive.staged import StagedMDP, policy_value


def rng(seed=0):
    return np.random.default_rng(seed)


def even(mdp):
    return np.full((mdp.n_steps, mdp.n_states), 1 / mdp.n_states)


# --- exact values ---


def test_exact_values_are_those_of_backward_evaluation():
    mdp = random_layers(3, 3, rng())
    mdp = replace(mdp, rewards=rng(1).random(mdp.rewards.shape) / 3)
    policies = PolicyClass(rng(2).integers(2, size=(20, 3, 3)), 2)
    expected = [policy_value(mdp, np.eye(2)[actions]) for actions in policies.actions]
    np.testing.assert_allclose(exact_values(mdp, policies), expected, atol=1e-12)


def test_problems_with_a_horizon_become_problems_of_steps():
    mdp = random_mdp(4, 2, rng(), horizon=3)
    made = staged(mdp)
    policies = PolicyClass(rng(2).integers(2, size=(10, 3, 4)), 2)
    expected = [
        float(mdp.initial @ staged_policy_values(mdp, np.eye(2)[actions])[0])
        for actions in policies.actions
    ]
    np.testing.assert_allclose(exact_values(made, policies), expected, atol=1e-12)
    with pytest.raises(InputError, match=r"a horizon and a discount of 1, got None and 0\.5"):
        staged(random_mdp(4, 2, rng(), discount=0.5))


# --- trajectory trees ---


def test_trees_of_a_problem_without_chance_are_exact():
    mdp = deterministic_layers(4, 5, 2, rng())
    mdp = replace(mdp, rewards=np.round(mdp.rewards))
    policies = singletons(4, 5)
    found = trajectory_trees(mdp, policies, 3, rng())
    np.testing.assert_array_equal(found.values, exact_values(mdp, policies))
    assert found.variances.max() == 0
    # what is asked for is what the class reaches
    assert set(found.n_queries) == {walked_values(mdp, policies, 1, rng()).n_pairs}


def test_trees_are_unbiased_within_five_standard_errors():
    mdp = random_layers(4, 3, rng())
    policies = all_policies(4, 3, 2).subset(range(0, 4096, 97))
    found = trajectory_trees(mdp, policies, 4000, rng(1))
    off = np.abs(found.values - exact_values(mdp, policies))
    assert (off <= 5 * np.sqrt(found.variances / 4000)).all()
    assert found.n_queries.max() <= 4 * 6
    with pytest.raises(InputError, match="at least one tree"):
        trajectory_trees(mdp, policies, 0, rng())


# --- walks ---


def test_a_walk_visits_what_the_class_reaches():
    mdp = deterministic_layers(3, 4, 2, rng())
    policies = singletons(3, 4)
    reached = set()
    for actions in policies.actions:
        state = 0
        for step in range(3):
            reached.add((step, state, int(actions[step, state])))
            state = int(mdp.transitions[step, state, actions[step, state]].argmax())
    found = walked_values(mdp, policies, 2000, rng())
    assert found.n_pairs == len(reached)
    assert found.n_episodes == 2000 * len(reached)
    np.testing.assert_allclose(found.values, exact_values(mdp, policies), atol=0.06)


def test_walks_refuse_chance():
    mdp = random_layers(3, 4, rng())
    with pytest.raises(InputError, match="expected a deterministic problem"):
        walked_values(mdp, singletons(3, 4), 1, rng())
    with pytest.raises(InputError, match="at least one visit"):
        walked_values(deterministic_layers(3, 4, 2, rng()), singletons(3, 4), 0, rng())


# --- search by dynamic programming ---


@pytest.mark.parametrize(
    ("n_steps", "loss"), [(2, 0.002), (5, 0.015), (8, 0.12), (10, 0.47), (12, 1.0)]
)
def test_one_mistake_doubles_at_every_step_without_completeness(n_steps, loss):
    mdp, policies, resets = amplification_chain(n_steps)
    slack = np.zeros(n_steps)
    slack[-1] = 0.001
    lost = 1 - psdp_exact(mdp, policies.subset([0, 1]), resets, slack=slack).value(mdp)
    assert lost == pytest.approx(min(1.0, 0.001 * 1.98 ** (n_steps - 1)))
    assert float(f"{lost:.2g}") == loss
    complete = psdp_exact(mdp, policies, resets, slack=slack)
    assert 1 - complete.value(mdp) == pytest.approx(0.001)
    assert [policies.name(one) for one in complete.chosen[-2:]] == ["completing", "tempting"]


def test_with_every_policy_the_search_is_optimal():
    mdp = random_layers(3, 2, rng())
    policies = all_policies(3, 2, 2)
    best = exact_values(mdp, policies).max()
    assert psdp_exact(mdp, policies, even(mdp)).value(mdp) == pytest.approx(best)
    assert psdp(mdp, policies, even(mdp), 20_000, rng(1)).value(mdp) > best - 0.03


def test_sampled_scores_agree_with_exact_ones():
    mdp = random_layers(3, 3, rng(5))
    one = singletons(3, 3).subset([0])
    exact, sampled = psdp_exact(mdp, one, even(mdp)), psdp(mdp, one, even(mdp), 40_000, rng())
    np.testing.assert_allclose(sampled.scores, exact.scores, atol=0.03)
    with pytest.raises(InputError, match="at least one sample"):
        psdp(mdp, one, even(mdp), 0, rng())
    with pytest.raises(InputError, match=r"sum to 1, got 1\.5 for step 0"):
        psdp(mdp, one, np.full((3, 3), 0.5), 5, rng())
    with pytest.raises(InputError, match="3 numbers from 0 on as slack"):
        psdp_exact(mdp, one, even(mdp), slack=np.zeros(2))


# --- conservative iteration ---


def test_conservative_steps_never_lose_and_end_at_a_small_advantage():
    mdp = random_layers(4, 3, rng())
    policies = all_policies(4, 3, 2).subset(range(0, 4096, 7))
    found = cpi(mdp, policies, even(mdp), limit=1e-4)
    assert found.advantages[-1] < 1e-4
    assert (found.step_sizes[:-1] > 0).all()
    np.testing.assert_allclose(found.policy.sum(axis=2), 1.0)
    first = np.eye(2)[policies.actions[0]]
    members = [reset_value(mdp, np.eye(2)[one], even(mdp)) for one in policies.actions]
    assert reset_value(mdp, found.policy, even(mdp)) >= max(members) - 0.02
    assert reset_value(mdp, found.policy, even(mdp)) >= reset_value(mdp, first, even(mdp))


def test_conservative_iteration_is_trapped_without_completeness():
    mdp, policies, resets = amplification_chain(10)
    stuck = cpi(mdp, policies.subset([0, 1]), resets, first=1, limit=1e-4)
    assert len(stuck.advantages) == 1
    freed = cpi(mdp, policies, resets, first=1, limit=1e-4)
    assert reset_value(mdp, freed.policy, resets) > 0.999


def test_sampled_tables_are_unbiased():
    mdp = random_layers(3, 2, rng())
    mdp = replace(mdp, rewards=rng(1).random(mdp.rewards.shape))
    policy = rng(2).dirichlet(np.ones(2), size=(3, 2))
    resets = rng(3).dirichlet(np.ones(2), size=3)
    exact = exact_table(mdp, policy, resets)
    sampled = sampled_table(mdp, policy, resets, 200_000, rng(4))
    np.testing.assert_allclose(sampled, exact, atol=0.03)
    # what a policy's own actions are worth, over all starts, is its value counted once per start
    assert (policy * exact)[0].sum() == pytest.approx(
        float(resets[0] @ (policy[0] * exact[0] / resets[0][:, None]).sum(axis=1))
    )


def test_sampled_conservative_iteration_improves():
    mdp = random_layers(3, 2, rng(1))
    policies = all_policies(3, 2, 2)
    values = [reset_value(mdp, np.eye(2)[one], even(mdp)) for one in policies.actions]
    worst = int(np.argmin(values))
    found = cpi(
        mdp, policies, even(mdp), first=worst, limit=0.01, most_rounds=60, n=2000, rng=rng()
    )
    assert reset_value(mdp, found.policy, even(mdp)) > (values[worst] + max(values)) / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0.0}, "a limit above 0"),
        ({"limit": 0.1, "n": 5}, "a generator"),
        ({"limit": 0.1, "first": 9}, "a first member from 0 to 4"),
    ],
)
def test_conservative_iteration_refuses(options, message):
    mdp = random_layers(2, 2, rng())
    with pytest.raises(InputError, match=message):
        cpi(mdp, singletons(2, 2), even(mdp), **options)


# --- POPLER ---


def test_the_core_of_singletons_covers_every_part_of_a_path_between_petals():
    policies = singletons(3, 2)
    sunflower = singleton_sunflower(policies)
    assert sunflower.most_petals == 1
    core = sunflower.core.actions
    for actions, petals in zip(policies.actions, sunflower.petals, strict=True):
        for states in product(range(2), repeat=3):
            met = [step for step in range(3) if (step, states[step]) in petals]
            for first, end in pairwise([0, *met, 3]):
                part = list(range(first, end))
                seen = [states[step] for step in part]
                assert (core[:, part, seen] == actions[part, seen]).all(axis=1).any()


def test_popler_learns_the_petals_that_are_worth_it():
    mdp = rare_states(4, np.array([0.6, 0.399, 0.001]), rng())
    policies = singletons(4, 3)
    sunflower = singleton_sunflower(policies)
    reach = reachable_petals(mdp, policies, sunflower.petals)
    assert reach[2, 1] == pytest.approx(0.399)
    found = popler(mdp, policies, sunflower, accuracy=0.2, n_first=4000, n_petal=4000, rng=rng(1))
    assert set(found.found) == {(step, state) for step in range(4) for state in (0, 1)}
    assert found.n_episodes == 4000 * 9
    assert found.limit == pytest.approx(0.2 / 6)
    np.testing.assert_allclose(found.values, exact_values(mdp, policies), atol=0.1)


def test_popler_is_exact_without_chance():
    # with all rewards 1 and one state, weights are all that varies: they average to one
    mdp = StagedMDP(
        transitions=np.ones((2, 1, 2, 1)), rewards=np.zeros((2, 1, 2)), initial=np.ones(1)
    )
    mdp.rewards[1, 0, 1] = 1.0
    policies = singletons(2, 1)
    found = popler(
        mdp,
        policies,
        singleton_sunflower(policies),
        accuracy=0.5,
        n_first=20_000,
        n_petal=20_000,
        rng=rng(),
    )
    np.testing.assert_allclose(found.values, [0.0, 0.0, 1.0], atol=0.03)
    assert found.values[0] == found.values[1] == 0.0


def test_popler_refuses_what_does_not_fit():
    mdp = random_layers(2, 2, rng())
    policies = singletons(2, 2)
    sunflower = singleton_sunflower(policies)
    short = Sunflower(sunflower.core, sunflower.petals[:-1])
    with pytest.raises(InputError, match="petals for 5 policies, got 4"):
        popler(mdp, policies, short, accuracy=0.1, n_first=1, n_petal=1, rng=rng())
    with pytest.raises(InputError, match="an accuracy in"):
        popler(mdp, policies, sunflower, accuracy=0.0, n_first=1, n_petal=1, rng=rng())
    with pytest.raises(InputError, match="at most one place"):
        singleton_sunflower(all_policies(2, 2, 2))


# --- emulator ---


def test_an_emulator_of_a_lock_values_every_policy():
    mdp, code = block_lock(3, 2, rng(), slip=0.1)
    actions = rng(1).integers(2, size=(12, 3, 4))
    actions[0] = code[:, None]
    policies = PolicyClass(actions, 2)
    truth = exact_values(mdp, policies)
    assert truth[0] == pytest.approx(0.9**2 * 0.9 + (1 - 0.9**2) * 0.2)
    found, merged = (
        emulated(mdp, policies, even(mdp), n=60, n_tests=300, tolerance=tolerance, rng=rng(2))
        for tolerance in (0.2, 10.0)
    )
    assert found.values.argmax() == 0
    assert np.abs(found.values - truth).max() < 0.1
    assert found.n_groups.tolist() == [1, 2, 2]
    assert merged.n_groups.tolist() == [1, 1, 1]
    assert np.abs(merged.values - truth).max() > 0.1
    np.testing.assert_allclose(found.transitions.sum(axis=-1), 1.0)
    # open and closed states are told apart, and their observations are not
    opened = found.states[1] < 2
    assert len(set(found.groups[1][opened])) == len(set(found.groups[1][~opened])) == 1


def test_emulators_refuse():
    mdp, _ = block_lock(2, 2, rng())
    policies = singletons(2, 4)
    with pytest.raises(InputError, match="a tolerance above 0"):
        emulated(mdp, policies, even(mdp), n=5, n_tests=5, tolerance=0.0, rng=rng())
