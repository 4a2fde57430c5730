"""Hypotheses about absent terms, on a problem that is solved by hand."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete

from pellucid.envs.resolve import resolve_env
from pellucid.errors import CapabilityError, InputError
from pellucid.tabular.hypotheses import Hypotheses, TermTables, absence, beliefs, term_tables
from pellucid.tabular.sources import from_table

HERE = "tests.tabular.test_hypotheses"


class Fork(gymnasium.Env):
    """One choice: the short way pays 3 and costs 4 of toll, the long one pays 2."""

    observation_space = Discrete(1)
    action_space = Discrete(2)
    initial_state_distrib = np.ones(1)
    P = {0: {0: [(1.0, 0, -1.0, True)], 1: [(1.0, 0, 2.0, True)]}}  # noqa: RUF012 - as in Gymnasium

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, self.P[0][int(action)][0][2], True, False, {}


def paid(observation, action, next_observation, terminated):
    """Return pay and toll of a way."""
    return {"pay": 3.0, "toll": -4.0} if action == 0 else {"pay": 2.0, "toll": 0.0}


def wrong(observation, action, next_observation, terminated):
    """Return terms that miss the reward by 1."""
    return {"pay": 3.0, "toll": -3.0} if action == 0 else {"pay": 2.0, "toll": 0.0}


def broken(observation, action, next_observation, terminated):
    """Return nothing that could be read."""
    return {"pay": observation[0]}


@pytest.fixture(scope="module")
def fork():
    spec = resolve_env(f"{HERE}:Fork", reward_terms=f"{HERE}:paid")
    return Hypotheses(term_tables(spec, discount=0.5))


def test_terms_of_a_function_are_tables_that_add_up(fork):
    tables = fork.tables
    assert tables.names == ("pay", "toll")
    np.testing.assert_array_equal(tables.rewards[:, 0], [[3, 2], [-4, 0]])
    np.testing.assert_array_equal(tables.rewards[:, 1], 0)
    np.testing.assert_array_equal(tables.rewards.sum(axis=0), tables.mdp.rewards)


def test_without_names_each_value_of_reward_is_a_term():
    tables = term_tables(resolve_env("CliffWalking-v1"), discount=0.9)
    assert tables.names == ("the reward of -100", "the reward of -1")
    assert set(np.unique(tables.rewards[0])) == {-100.0, 0.0}
    with pytest.raises(CapabilityError, match="has 1 of them") as caught:
        term_tables(resolve_env("FrozenLake-v1"), discount=0.9)
    assert "--reward-terms" in caught.value.hint


def test_terms_that_miss_the_reward_are_refused():
    spec = resolve_env(f"{HERE}:Fork", reward_terms=f"{HERE}:wrong")
    with pytest.raises(InputError, match="off by up to 1"):
        term_tables(spec, discount=0.9)


def test_a_function_that_raises_is_named_with_the_outcome():
    spec = resolve_env(f"{HERE}:Fork", reward_terms=f"{HERE}:broken")
    with pytest.raises(InputError, match="broken could not split the reward of state 0, action 0"):
        term_tables(spec, discount=0.9)


def test_environments_without_a_table_are_refused():
    with pytest.raises(CapabilityError):
        term_tables(resolve_env("CartPole-v1"), discount=0.9)


def test_every_subset_is_a_hypothesis_none_first_and_all_last(fork):
    assert fork.absent.tolist() == [[False, False], [False, True], [True, False], [True, True]]


def test_what_is_best_and_what_it_costs_is_worked_out_by_hand(fork):
    np.testing.assert_allclose(fork.q_values[:, 0], [[-1, 2], [3, 2], [-4, 0], [0, 0]])
    np.testing.assert_array_equal(fork.choices[:, 0], [[0, 1], [1, 0], [0, 1], [0.5, 0.5]])
    # the short way is 3 worse than the long one; a coin loses half of that
    np.testing.assert_allclose(fork.costs, [0, 3, 0, 1.5])
    assert fork.spread == pytest.approx(1.5)


def test_choices_are_as_likely_as_their_values_say(fork):
    logs = fork.log_chances(np.array([0]), np.array([0]))[:, :, 0]
    # the unit is the lead of 3; temperatures 0.03, 0.3 and 3
    np.testing.assert_allclose(np.exp(logs[0, 2]), 1 / (1 + np.exp(3 / 3)))
    np.testing.assert_allclose(np.exp(logs[1, 2]), 1 / (1 + np.exp(-1 / 3)))
    np.testing.assert_allclose(np.exp(logs[3]), 0.5)


def test_beliefs_are_bayes_rule_with_temperatures_averaged():
    logs = np.log([[[0.9, 0.5], [0.5, 0.5]], [[0.1, 0.5], [0.3, 0.5]]])
    one, other = (0.9 + 0.5) / 2, (0.1 + 0.3) / 2
    np.testing.assert_allclose(beliefs(logs, np.array([1.0, 0.0])), [0.7 / 0.9, 0.2 / 0.9])
    assert one / (one + other) == pytest.approx(0.7 / 0.9)
    np.testing.assert_allclose(beliefs(logs, np.zeros(2)), [0.5, 0.5])
    np.testing.assert_allclose(beliefs(logs, np.array([1000.0, 0.0])), [1.0, 0.0])


def test_an_absence_that_costs_nothing_does_not_count():
    absent = np.array([[False, False], [True, False], [False, True], [True, True]])
    belief = np.array([0.1, 0.4, 0.3, 0.2])
    costly = np.array([False, False, True, True])
    np.testing.assert_allclose(absence(belief, absent, costly), [0.2, 0.5])


def test_what_follows_counts_by_the_discount():
    # state 0 leads to state 1 or ends; there the toll is paid
    pay, toll = np.array([[0.0, 1.0], [4.0, 4.0]]), np.array([[0.0, 0.0], [-3.0, -3.0]])
    mdp = from_table(np.array([[1, -1], [-1, -1]]), pay + toll, discount=0.5)
    rewards = np.zeros((2, *mdp.rewards.shape))
    rewards[:, :2] = pay, toll
    hypotheses = Hypotheses(TermTables(mdp, ("pay", "toll"), rewards))
    # going on is worth 0.5 * (4 - 3) with the toll and 0.5 * 4 without it
    np.testing.assert_allclose(hypotheses.q_values[:2, 0], [[0.5, 1.0], [2.0, 1.0]])
    np.testing.assert_allclose(hypotheses.costs[1], 0.5)
