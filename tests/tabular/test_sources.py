"""Problems made from tables, toy-text games and stages."""

import gymnasium
import numpy as np
import pytest

from pellucid.errors import CapabilityError, InputError
from pellucid.tabular import (
    backward_induction,
    from_table,
    from_toy_text,
    layered,
    policy_values,
    uniform_policy,
    value_iteration,
)


def test_table_adds_the_end() -> None:
    mdp = from_table(np.array([[1, 0], [-1, -1]]), np.array([[0.0, 1.0], [5.0, 2.0]]), horizon=2)
    assert mdp.terminal.tolist() == [False, False, True]
    assert mdp.next_states.tolist() == [[1, 0], [2, 2], [2, 2]]
    assert backward_induction(mdp).value == 5.0


@pytest.mark.parametrize(
    ("next_states", "message"),
    [
        (np.array([[1, 2], [0, 0]]), "got 2 for state 0, action 1"),
        (np.array([[1, -2], [0, 0]]), "got -2 for state 0, action 1"),
        (np.array([[1], [0]]), r"got \(2, 1\) and \(2, 2\)"),
    ],
)
def test_a_table_with_a_next_state_that_is_not_there_is_refused(
    next_states: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        from_table(next_states, np.zeros((2, 2)))


def test_frozen_lake_without_ice() -> None:
    # six moves from corner to corner, paid at the sixth: 0.9 ** 5
    mdp = from_toy_text(gymnasium.make("FrozenLake-v1", is_slippery=False), discount=0.9)
    assert value_iteration(mdp).value == pytest.approx(0.9**5)
    assert mdp.state_name(6) == "row 1, column 2"


def test_cliff_walking() -> None:
    # thirteen moves of -1: up, eleven to the right, down
    mdp = from_toy_text(gymnasium.make("CliffWalking-v1"), horizon=100)
    assert backward_induction(mdp).value == -13


def test_taxi_ends_after_the_drop_off() -> None:
    mdp = from_toy_text(gymnasium.make("Taxi-v4"), discount=0.99)
    assert mdp.n_states == 501
    # the passenger waits where the taxi stands and wants to go there too: in, out, 20 points
    state = int(gymnasium.make("Taxi-v4").unwrapped.encode(0, 0, 0, 0))  # type: ignore[attr-defined]
    assert value_iteration(mdp).values[state] == pytest.approx(-1 + 0.99 * 20)
    assert mdp.state_name(state).startswith("taxi at row 0, column 0, passenger at red")


def test_the_table_agrees_with_the_game() -> None:
    env = gymnasium.make("FrozenLake-v1")
    mdp = from_toy_text(env, discount=0.95)
    expected = float(mdp.initial @ policy_values(mdp, uniform_policy(mdp)))
    rng = np.random.default_rng(0)
    returns = []
    for episode in range(400):
        env.reset(seed=episode)
        total, weight, ended = 0.0, 1.0, False
        while not ended:
            _, reward, terminated, truncated, _ = env.step(int(rng.integers(4)))
            total, weight, ended = (
                total + weight * float(reward),
                weight * 0.95,
                terminated or truncated,
            )
        returns.append(total)
    assert abs(np.mean(returns) - expected) < 4 * np.std(returns) / np.sqrt(len(returns))


def test_an_environment_without_a_table_is_refused() -> None:
    with pytest.raises(CapabilityError, match="CartPoleEnv has no table"):
        from_toy_text(gymnasium.make("CartPole-v1"), discount=0.9)


def test_layered_keeps_the_values_of_each_step() -> None:
    rng = np.random.default_rng(4)
    transitions = rng.dirichlet(np.ones(3), size=(4, 3, 2))
    rewards = rng.random((4, 3, 2))
    mdp = layered(transitions, rewards, np.array([1.0, 0.0, 0.0]))
    following = np.zeros(3)
    for step in range(3, -1, -1):
        following = (rewards[step] + transitions[step] @ following).max(axis=1)
    assert backward_induction(mdp).value == pytest.approx(following[0])
    assert mdp.n_states == 13


def test_one_layer_ends_at_once() -> None:
    mdp = layered(np.ones((1, 1, 2, 1)), np.array([[[1.0, 3.0]]]), np.array([1.0]))
    assert backward_induction(mdp).value == 3.0
