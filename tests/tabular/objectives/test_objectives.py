"""Each formalism on values worked by hand, and what it refuses."""

from fractions import Fraction

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import policy_values, random_mdp
from pellucid.tabular.objectives import (
    InnerMultiObjective,
    InnerNonlinear,
    LimitAverage,
    LotteryFunction,
    LotteryOrdering,
    MarkovReward,
    MultiObjectiveOrdering,
    OccupancyFunction,
    OccupancyOrdering,
    OuterMultiObjective,
    OuterNonlinear,
    PolicyFunction,
    PolicyOrdering,
    RegularisedReward,
    RewardMachine,
    TrajectoryFunction,
    comparisons,
    lexicographic,
    value_of,
)
from pellucid.tabular.objectives.laws import canonical, limit_frequencies, transition_visits
from pellucid.tabular.objectives.samples import ending_problem
from pellucid.tabular.objectives.witness_tasks import two_step_problem
from tests.tabular.problems import two_doors

MIXED = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])
"""For the problem s0 -> s1 -> end."""
SURE = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])


def reward(**cells: float) -> np.ndarray:
    """Return rewards such as `a0=1`: the action in a state, of the problem s0 -> s1 -> end."""
    rewards = np.zeros((3, 2, 3))
    for name, value in cells.items():
        rewards[int(name[1]), "ab".index(name[0])] = value
    return rewards


def test_markov_reward_by_hand() -> None:
    # 0.25 * 2 + discount 0.5 * 0.5 * 4
    value = MarkovReward(reward(a0=2, b1=4), 0.5)
    assert value_of(value, two_step_problem(), MIXED) == pytest.approx(1.5)


def test_markov_reward_agrees_with_policy_values() -> None:
    rng = np.random.default_rng(1)
    mdp = random_mdp(5, 3, rng, discount=0.7)
    policy = rng.dirichlet(np.ones(3), size=5)
    value = MarkovReward(np.repeat(mdp.rewards[:, :, None], 5, axis=2), 0.7)
    expected = mdp.initial @ policy_values(mdp, policy)
    assert value_of(value, mdp, policy) == pytest.approx(float(expected))


def test_limit_average_by_hand() -> None:
    # with the door the run ends in state 2 for sure; without it stays in the hall for ever
    rewards = np.zeros((3, 2, 3))
    rewards[0], rewards[2] = 1.0, 5.0
    value = LimitAverage(rewards)
    stay, leave = np.array([[1, 0], [1, 0], [1, 0.0]]), np.array([[0.9, 0.1], [1, 0], [1, 0]])
    mdp = two_doors()
    assert value.values(mdp, np.stack([stay, leave])).tolist() == pytest.approx([1.0, 5.0])


def test_a_tiny_chance_of_leaving_decides_the_limit_average() -> None:
    rewards = np.zeros((3, 2, 3))
    rewards[0], rewards[2] = 1.0, 5.0
    hardly = np.array([[1.0, 1e-18], [1, 0], [1, 0]])
    assert value_of(LimitAverage(rewards), two_doors(), hardly) == pytest.approx(5.0)


def test_limit_average_of_a_periodic_chain_and_of_two_ends() -> None:
    mdp = ending_problem(np.random.default_rng(0), n_decisions=1)
    # state 0 -> state 1 (a ring of one) or 2 (a ring of two, 2 and 3)
    policy = np.tile([1.0, 0.0], (5, 1))[None]
    shares = limit_frequencies(mdp, policy)[0].sum(axis=(1, 2))
    chance = mdp.initial[0] * mdp.dense[0, 0, 2]
    assert shares[2] == pytest.approx(chance / 2)
    assert shares[3] == pytest.approx(chance / 2)
    assert shares.sum() == pytest.approx(1.0)


def test_reward_machine_by_hand() -> None:
    # pays 1 for a then a: with discount 0.5 that is 0.5 * 0.25 * 0.5
    next_memory = np.zeros((2, 3, 2, 3), dtype=int)
    next_memory[0, 0, 0], next_memory[1] = 1, 1
    rewards = np.zeros((2, 3, 2, 3))
    rewards[1, 1, 0] = 1.0
    value = RewardMachine(next_memory, rewards, 0.5)
    assert value_of(value, two_step_problem(), MIXED) == pytest.approx(0.0625)


def test_regularised_reward_by_hand() -> None:
    # charge: the squared chance of a, in s0, s1 and the end (visited 1 / (1 - 0.5) * 0.25 = 0.5)
    value = RegularisedReward(reward(a0=2), 0.5, 2.0, lambda choices: choices[..., 0] ** 2)
    charge = 0.25**2 + 0.5 * 0.5**2 + 0.5 * 1.0
    assert value_of(value, two_step_problem(), MIXED) == pytest.approx(0.5 - 2 * charge)


def test_functions_of_returns_and_trajectories_by_hand() -> None:
    mdp = two_step_problem()
    first, second = MarkovReward(reward(a0=1), 0.5), MarkovReward(reward(a1=2), 0.5)
    assert value_of(OuterNonlinear(first, np.square), mdp, MIXED) == pytest.approx(0.0625)
    both = OuterMultiObjective((first, second), lambda returns: returns.prod(axis=1))
    assert value_of(both, mdp, MIXED) == pytest.approx(0.25 * 0.5)
    visits = OccupancyFunction(0.5, lambda visits: visits[:, 1, 0, 2])
    assert value_of(visits, mdp, MIXED) == pytest.approx(0.25)
    trajectory = TrajectoryFunction(
        lambda lasso: float(lasso.transitions[0][1] == lasso.transitions[1][1])
    )
    assert value_of(trajectory, mdp, MIXED) == pytest.approx(0.25 * 0.5 + 0.75 * 0.5)
    coded = reward(a0=1, a1=2).astype(int)
    inner = InnerNonlinear(coded, Fraction(1, 2), lambda total: float(total == 2))
    assert value_of(inner, mdp, MIXED) == pytest.approx(0.25 * 0.5)
    several = InnerMultiObjective(
        np.stack([reward(a0=1), reward(b1=2)]).astype(int),
        Fraction(1, 2),
        lambda returns: float(returns == (1, 1)),
    )
    assert value_of(several, mdp, MIXED) == pytest.approx(0.25 * 0.5)


def test_what_is_never_reached_counts_for_functions_of_policies_alone() -> None:
    transitions = np.zeros((2, 2, 2))
    transitions[:, :, 0] = 1.0
    mdp = random_mdp(2, 2, np.random.default_rng(0), discount=0.5)
    mdp = type(mdp)(
        transitions=transitions, rewards=mdp.rewards, initial=np.array([1.0, 0]), discount=0.5
    )
    one, other = np.array([[[1, 0], [1, 0]]]), np.array([[[1, 0], [0, 1]]])
    np.testing.assert_array_equal(canonical(mdp, one), canonical(mdp, other))
    by_law = LotteryFunction(lambda problem, laws: laws[:, 1, 0])
    by_policy = PolicyFunction(lambda problem, policies: policies[:, 1, 0].astype(float))
    assert comparisons(by_law, mdp, one, other).tolist() == [0]
    assert comparisons(by_policy, mdp, one, other).tolist() == [1]


def test_orderings_can_be_lexicographic() -> None:
    mdp = two_step_problem()
    first, second = MarkovReward(reward(a0=1), 0.5), MarkovReward(reward(a1=1), 0.5)
    better = np.stack([MIXED, SURE])
    worse = np.stack([np.array([[0.25, 0.75], [0.4, 0.6], [1, 0]]), MIXED])
    orders = (
        MultiObjectiveOrdering((first, second), lexicographic),
        OccupancyOrdering(0.5, lambda x, y: lexicographic(x[:, :2, 0].sum(2), y[:, :2, 0].sum(2))),
        LotteryOrdering(lambda problem, x, y: lexicographic(x[:, :2, 0], y[:, :2, 0])),
        PolicyOrdering(lambda problem, x, y: lexicographic(x[:, :2, 0], y[:, :2, 0])),
    )
    for order in orders:
        assert comparisons(order, mdp, better, worse).tolist() == [1, 1]
        assert comparisons(order, mdp, worse, better).tolist() == [-1, -1]
        assert comparisons(order, mdp, worse, worse).tolist() == [0, 0]


def test_visits_sum_to_the_length_of_discounted_time() -> None:
    rng = np.random.default_rng(2)
    mdp = random_mdp(4, 2, rng, discount=0.9)
    policies = rng.dirichlet(np.ones(2), size=(5, 4))
    np.testing.assert_allclose(transition_visits(mdp, policies, 0.9).sum(axis=(1, 2, 3)), 10.0)


@pytest.mark.parametrize(
    ("policies", "discount", "message"),
    [
        (np.full((1, 2, 2), 0.5), 0.5, r"shape \(policies, 3, 2\), got \(1, 2, 2\)"),
        (np.full((1, 3, 2), 0.4), 0.5, r"policy 0 in state 0 .* sum to 1, got \[0.4, 0.4\]"),
        (np.full((1, 3, 2), 0.5), 1.0, "discount above 0 and below 1, got 1.0"),
        (np.full((1, 3, 2), np.nan), 0.5, "policy 0 in state 0"),
    ],
)
def test_what_does_not_fit_is_refused(policies: np.ndarray, discount: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MarkovReward(reward(), discount).values(two_step_problem(), policies)


def test_a_horizon_is_refused() -> None:
    with pytest.raises(InputError, match="without a horizon, got one of 3 steps"):
        MarkovReward(reward(), 0.5).values(two_doors(horizon=3), MIXED[None])


def test_a_machine_with_a_state_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="machine states from 0 to 0"):
        RewardMachine(np.ones((1, 3, 2, 3), dtype=int), np.zeros((1, 3, 2, 3)), 0.5)
    with pytest.raises(InputError, match="one shape"):
        RewardMachine(np.zeros((1, 3, 2, 3), dtype=int), np.zeros((2, 3, 2, 3)), 0.5)


def test_endless_chance_is_refused_by_functions_of_trajectories() -> None:
    mdp = random_mdp(3, 2, np.random.default_rng(0), discount=0.5)
    with pytest.raises(InputError, match="lies on a cycle that chance can leave"):
        TrajectoryFunction(lambda lasso: 0.0).values(mdp, np.full((1, 3, 2), 0.5))
