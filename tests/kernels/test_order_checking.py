"""Reaching a goal in an abstract process, by hand and against what was recorded."""

import numpy as np
import pytest

from pellucid.kernels import order_checking
from pellucid.kernels.order_checking import count_moves, reach_probability


def process(*episodes, n_actions=2, n_states=4):
    states = [np.array(states) for states, _ in episodes]
    return count_moves(
        states, [np.array(taken, dtype=np.int64) for _, taken in episodes], n_actions, n_states
    )


def goal(*states, n_states=4):
    return np.isin(np.arange(n_states), states)


def test_the_share_of_moves_is_the_probability():
    found = process(([0, 1], [0]), ([0, 1], [0]), ([0, 2], [0]), n_actions=1)
    assert reach_probability(found, goal(1)) == pytest.approx(2 / 3)


def test_choices_are_made_for_the_best():
    # action 0 leads to 1 and action 1 to 2, each in one episode
    found = process(([0, 1], [0]), ([0, 2], [1]))
    assert reach_probability(found.chain, goal(1)) == pytest.approx(0.5)
    assert reach_probability(found, goal(1)) == pytest.approx(1.0)


def test_parts_of_episodes_are_joined():
    # 0 to 1 was seen in one episode and 1 to 3 in another
    found = process(([0, 1, 2], [0, 0]), ([0, 1, 3], [0, 1]))
    assert reach_probability(found, goal(3)) == pytest.approx(1.0)


def test_where_episodes_end_nothing_follows():
    # half of the visits to 0 are the last of an episode
    found = process(([0], []), ([0, 1], [0]), n_actions=1)
    assert reach_probability(found, goal(1)) == pytest.approx(0.5)
    assert found.moves[0, 0].tolist() == [0.0, 0.5, 0.0, 0.0]


def test_what_was_never_seen_is_not_reached():
    assert reach_probability(process(([0, 1], [0])), goal(3)) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_the_chain_reaches_a_goal_as_often_as_its_episodes_did(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    episodes = []
    for _ in range(30):
        states = rng.integers(3, size=rng.integers(1, 8))
        hit = np.flatnonzero(states == 2)
        if len(hit):
            states[hit[0] :] = 2  # once reached, never left
        episodes.append((states, rng.integers(2, size=len(states) - 1)))
    found = process(*episodes, n_states=3).chain
    share = np.mean([states[-1] == 2 for states, _ in episodes])
    assert reach_probability(found, goal(2, n_states=3)) == pytest.approx(share)
    monkeypatch.setattr(order_checking, "MOST_SOLVED", 0)
    assert reach_probability(found, goal(2, n_states=3)) == pytest.approx(share, abs=1e-6)
