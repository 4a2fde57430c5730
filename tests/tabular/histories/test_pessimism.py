"""Counts and bounds by hand; with infinite data they are the values of backward induction."""

import math
import time

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular import backward_induction, layered
from pellucid.tabular.contrastive import StagedMDP
from pellucid.tabular.histories import (
    FinitePOMDP,
    Trajectories,
    history_policy,
    index_histories,
    memory_junction,
    pessimistic_values,
    policy_value,
)


def one_step(actions, rewards) -> Trajectories:
    n = len(actions)
    return Trajectories(
        observations=np.zeros((n, 2), dtype=int),
        actions=np.array(actions)[:, None],
        rewards=np.array(rewards, dtype=float)[:, None],
        n_observations=1,
        n_actions=3,
    )


def test_counts_means_and_penalties_are_those_by_hand() -> None:
    data = one_step([0, 0, 0, 1], [1, 1, 0, 1])
    blocks = np.zeros((4, 2), dtype=int)
    plain = pessimistic_values(blocks, data, bonus_scale=0)
    assert plain.counts[0].tolist() == [[3, 1, 0]]
    assert plain.q_values[0] == pytest.approx(np.array([[2 / 3, 1.0, 0.0]]))
    found = pessimistic_values(blocks, data, bonus_scale=0.5, confidence=0.9)
    width = 0.5 * math.sqrt(math.log(2 * 3 / 0.1))
    expected = [2 / 3 - width / math.sqrt(3), 1 - width, -width]
    assert found.q_values[0][0] == pytest.approx(expected)


def test_pessimism_prefers_what_was_seen_more_often() -> None:
    data = one_step([0] * 40 + [1], [1] * 36 + [0] * 4 + [1])
    blocks = np.zeros((41, 2), dtype=int)
    first = np.zeros(1, dtype=int)
    assert pessimistic_values(blocks, data, bonus_scale=0).actions(0, first) == 1
    assert pessimistic_values(blocks, data, bonus_scale=0.5).actions(0, first) == 0


def every_episode(mdp: StagedMDP) -> tuple[Trajectories, np.ndarray]:
    """Return all episodes of two steps of a problem whose state is seen, with their chances."""
    n_states, n_actions = mdp.n_states, mdp.n_actions
    grid = np.indices((n_states, n_actions, n_states, n_actions)).reshape(4, -1)
    s, a, s2, a2 = grid
    chances = mdp.initial[s] * mdp.transitions[0, s, a, s2] / n_actions**2
    data = Trajectories(
        observations=np.stack([s, s2, 0 * s], axis=1),
        actions=np.stack([a, a2], axis=1),
        rewards=np.stack([mdp.rewards[0, s, a], mdp.rewards[1, s2, a2]], axis=1),
        n_observations=n_states,
        n_actions=n_actions,
    )
    return data, chances


def test_infinite_data_gives_the_values_of_backward_induction() -> None:
    rng = stream(0, "t")
    mdp = StagedMDP(
        transitions=rng.dirichlet(np.ones(3), size=(2, 3, 2)),
        rewards=rng.random((2, 3, 2)),
        initial=np.full(3, 1 / 3),
    )
    solved = backward_induction(layered(mdp.transitions, mdp.rewards, mdp.initial))
    data, chances = every_episode(mdp)
    index = index_histories(data)
    exact = solved.q_values(0)[:3]
    for numbers in (data.observations, index.numbers):  # states, and histories of them
        found = pessimistic_values(numbers, data, weights=chances * 1e14)
        assert found.q_values[0] == pytest.approx(exact, abs=1e-4)
    pomdp = FinitePOMDP(mdp=mdp, emissions=np.broadcast_to(np.eye(3), (2, 3, 3)).copy())
    value = policy_value(pomdp, history_policy(found, index))
    assert value == pytest.approx(solved.value)


def test_values_below_zero_are_not_passed_on() -> None:
    data = memory_junction(2).sample(4, stream(0, "t"))
    numbers = index_histories(data).numbers
    found = pessimistic_values(numbers, data, bonus_scale=5)
    width = 5 * 2 * math.sqrt(math.log(2 * found.n_blocks * 2 / 0.05))
    n = np.maximum(found.counts[0], 1)
    assert found.q_values[0] == pytest.approx(-width / np.sqrt(n))


def test_what_follows_a_cut_off_episode_counts_and_an_end_does_not() -> None:
    # block 1 at step 1 is worth 1; the second episode is cut off there, the third ends
    data = Trajectories(
        observations=np.array([[0, 1, 0], [0, 1, 0], [1, 1, 0]]),
        actions=np.zeros((3, 2), dtype=int),
        rewards=np.array([[0.0, 1.0], [0.0, 9.0], [0.0, 9.0]]),
        n_observations=2,
        n_actions=1,
        lengths=np.array([2, 1, 1]),
        terminated=np.array([True, False, True]),
    )
    found = pessimistic_values(data.observations, data, bonus_scale=0)
    assert found.q_values[0].tolist() == [[1.0], [0.0]]


def test_unseen_histories_get_the_first_action() -> None:
    data = memory_junction(3).sample(3, stream(0, "t"))
    index = index_histories(data)
    values = pessimistic_values(index.numbers, data)
    assert values.actions(0, np.array([-1])).tolist() == [0]


def test_a_hundred_thousand_episodes_take_less_than_a_second() -> None:
    data = memory_junction(7).sample(100_000, stream(0, "t"))
    begun = time.process_time()
    pessimistic_values(index_histories(data).numbers, data)
    assert time.process_time() - begun < 1.0


def test_bad_input_is_refused() -> None:
    data = one_step([0], [1])
    with pytest.raises(InputError, match="blocks of shape"):
        pessimistic_values(np.zeros((1, 1), dtype=int), data)
    with pytest.raises(InputError, match="blocks from 0, got -1 for episode 0, step 0"):
        pessimistic_values(np.full((1, 2), -1), data)
    with pytest.raises(InputError, match="a bonus scale from 0"):
        pessimistic_values(np.zeros((1, 2), dtype=int), data, bonus_scale=-1)
    with pytest.raises(InputError, match="a confidence between 0 and 1"):
        pessimistic_values(np.zeros((1, 2), dtype=int), data, confidence=1)
