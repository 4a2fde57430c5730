"""Belief maps: their sum weighted by rewards is the value, whatever the rewards are."""

import numpy as np
import pytest
from scipy import sparse

from pellucid.envs.resolve import resolve_env
from pellucid.errors import InputError
from pellucid.tabular.generators import random_mdp
from pellucid.tabular.intentions import arrivals_of, belief_maps
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.problems import problem_of
from pellucid.tabular.solving import policy_values, uniform_policy


def q_values(mdp, policy):
    return mdp.rewards + mdp.discount * mdp.expected_next(policy_values(mdp, policy))


def all_pairs(mdp):
    return np.argwhere(np.ones(mdp.rewards.shape, dtype=bool))


@pytest.mark.parametrize("name", ["FrozenLake-v1", "CliffWalking-v1"])
def test_the_map_times_the_rewards_is_the_q_value(name):
    mdp = problem_of(resolve_env(name), discount=0.95)
    policy = np.random.default_rng(0).dirichlet(np.ones(mdp.n_actions), mdp.n_states)
    maps = belief_maps(mdp, policy, all_pairs(mdp))
    found = (maps * mdp.rewards).sum(axis=(1, 2)).reshape(mdp.rewards.shape)
    live = ~mdp.terminal
    np.testing.assert_allclose(found[live], q_values(mdp, policy)[live], rtol=1e-9, atol=1e-9)


def test_other_rewards_need_no_other_map():
    mdp = random_mdp(6, 3, np.random.default_rng(0), discount=0.9)
    policy = uniform_policy(mdp)
    maps = belief_maps(mdp, policy, all_pairs(mdp))
    for seed in range(3):
        rewards = np.random.default_rng(seed).normal(size=mdp.rewards.shape)
        other = mdp.with_rewards(rewards)
        found = (maps * rewards).sum(axis=(1, 2)).reshape(rewards.shape)
        np.testing.assert_allclose(found, q_values(other, policy), rtol=1e-9, atol=1e-9)


def two_rooms(discount=0.5):
    """From room 0 action 1 leads to room 1, from there any action to the end."""
    lead = np.zeros((3, 2, 3))
    lead[0, 0, 0] = lead[0, 1, 1] = lead[1, :, 2] = lead[2, :, 2] = 1.0
    rewards = np.array([[0.0, 1.0], [4.0, 2.0], [0.0, 0.0]])
    return FiniteMDP(transitions=lead, rewards=rewards, initial=np.eye(3)[0], discount=discount)


def test_a_map_by_hand():
    # staying once and then going: stay counts 1, go a half, room 1's first action a quarter
    policy = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    (found,) = belief_maps(two_rooms(), policy, np.array([[0, 0]]))
    assert found.tolist() == [[1.0, 0.5], [0.25, 0.0], [0.0, 0.0]]


def test_sparse_and_dense_problems_have_the_same_maps():
    dense = two_rooms()
    rows = sparse.csr_array(dense.dense.reshape(6, 3))
    thin = FiniteMDP(
        transitions=rows, rewards=dense.rewards, initial=dense.initial, discount=dense.discount
    )
    policy = uniform_policy(dense)
    pairs = all_pairs(dense)
    np.testing.assert_allclose(belief_maps(dense, policy, pairs), belief_maps(thin, policy, pairs))


def test_arrivals_count_the_end_once_and_add_up_to_the_steps():
    spec = resolve_env("FrozenLake-v1", kwargs={"is_slippery": False})
    mdp = problem_of(spec, discount=0.5)
    policy = np.eye(4)[np.array([1, 2, 1, 0, 1, 0, 1, 0, 2, 1, 1, 0, 0, 2, 2, 0, 0])]
    arrivals = arrivals_of(spec)
    maps = belief_maps(mdp, policy, np.array([[14, 2], [13, 2], [0, 0]]))
    found = arrivals.expected(maps)
    # from the place left of the goal the next arrival is the goal, and nothing follows
    assert found[0].tolist() == np.eye(16)[15].tolist()
    assert found[1, 14] == 1.0
    assert found[1, 15] == 0.5
    # left against the wall stays at the start; then down four times or right
    assert found[2, 0] == 1.0
    np.testing.assert_allclose(found.sum(axis=1), maps.sum(axis=(1, 2)))
    assert arrivals.cells[7].tolist() == [1, 3]


def test_rows_and_columns_come_from_the_map_of_the_environment():
    assert arrivals_of(resolve_env("CliffWalking-v1")).cells[-1].tolist() == [3, 11]


def test_a_horizon_is_refused_and_so_is_a_policy_of_another_shape():
    mdp = two_rooms()
    with pytest.raises(InputError, match="shape"):
        belief_maps(mdp, np.ones((2, 2)) / 2, np.array([[0, 0]]))
    timed = FiniteMDP(
        transitions=mdp.transitions, rewards=mdp.rewards, initial=mdp.initial, horizon=3
    )
    with pytest.raises(InputError, match="without a horizon"):
        belief_maps(timed, uniform_policy(timed), np.array([[0, 0]]))
