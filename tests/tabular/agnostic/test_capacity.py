"""Spanning capacities have their known values, also where states are scarce."""

from itertools import product
from math import comb

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.agnostic import (
    PolicyClass,
    all_policies,
    l_tons,
    singletons,
    spanning_capacity,
)


@pytest.mark.parametrize(("most", "expected"), [(1, 5), (2, 11)])
def test_l_tons_of_four_steps(most, expected):
    found = spanning_capacity(l_tons(4, 8, most))
    assert found.exact
    assert found.high == expected == sum(comb(4, k) for k in range(most + 1))


@pytest.mark.parametrize("n_steps", [1, 2, 5, 7])
def test_singletons_reach_one_more_than_steps(n_steps):
    found = spanning_capacity(singletons(n_steps, n_steps + 1))
    assert (found.low, found.high) == (n_steps + 1, n_steps + 1)


def test_all_policies_and_bandits():
    assert spanning_capacity(all_policies(3, 2, 2)).high == 4
    assert spanning_capacity(all_policies(1, 3, 3)).high == 3
    # the published recursion would say 2 ** 3, but there is one state per step
    alone = spanning_capacity(all_policies(3, 1, 2))
    assert (alone.low, alone.high) == (2, 2)


def test_one_policy_reaches_one_choice():
    assert spanning_capacity(l_tons(3, 2, 0)).high == 1


def brute_force(policies):
    """Every deterministic problem, every policy, every step."""
    n_steps, n_states, n_actions = policies.n_steps, policies.n_states, policies.n_actions
    best = 0
    for first in range(n_states):
        places = (n_steps - 1) * n_states * n_actions
        for choice in product(range(n_states), repeat=places):
            following = np.array(choice).reshape(n_steps - 1, n_states, n_actions)
            reached = [set() for _ in range(n_steps)]
            for actions in policies.actions:
                state = first
                for step in range(n_steps):
                    action = int(actions[step, state])
                    reached[step].add((state, action))
                    if step + 1 < n_steps:
                        state = int(following[step, state, action])
            best = max(best, *map(len, reached))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_most_over_all_deterministic_problems(seed):
    rng = np.random.default_rng(seed)
    policies = PolicyClass(rng.integers(2, size=(int(rng.integers(2, 6)), 3, 2)), 2)
    found = spanning_capacity(policies)
    assert found.exact
    assert found.high == brute_force(policies)


def test_little_work_gives_bounds():
    rng = np.random.default_rng(0)
    policies = PolicyClass(rng.integers(2, size=(40, 6, 6)), 2)
    rough, better = (spanning_capacity(policies, most_nodes=n) for n in (100, 50_000))
    assert 1 <= rough.low <= better.low <= better.high <= rough.high <= 12
    with pytest.raises(InputError, match="one set at least"):
        spanning_capacity(policies, most_nodes=0)
