"""Graph prediction where the moves are known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.faithfulness.graph_prediction import graph_prediction, path_of, rewired_shares
from pellucid.faithfulness.planted.quarters import quarters
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import kinds


@pytest.fixture(scope="module")
def setting():
    return quarters(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)


@pytest.fixture
def known(setting):
    """The true graph, with an end that comes after one step in thirty."""
    content = kinds(setting.truth)
    moves = content.transitions.copy()
    moves[:4, :4] *= 29 / 30
    moves[:4, 4] = 1 / 30
    return replace(content, transitions=moves)


def test_true_moves_are_foretold_and_rewired_ones_are_not(setting, episodes, known):
    (score,) = graph_prediction(check(setting.agent, episodes, known))
    # but for the end, every move is to the next room
    assert score.interval.value > 75
    assert score.control.interval.value < 40
    assert (score.interval.n, score.unit, score.closed_loop) == (10, "episode", True)
    assert score.gap.low > 30


def test_moves_backwards_are_worse_than_rewired_ones(setting, episodes, known):
    back = known.transitions.copy()
    back[:4, :4] = back[:4, :4].T
    (score,) = graph_prediction(check(setting.agent, episodes, replace(known, transitions=back)))
    assert score.gap.high < 0


def test_rewired_edges_keep_how_often_each_node_is_entered(known):
    moves = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    content = replace(known, transitions=moves, occupancy=np.array([0.5, 0.5, 0.0]))
    # 0 to 1 a quarter, 1 to 2 a half: out of 0, node 1 is entered in a third of the cases
    np.testing.assert_allclose(rewired_shares(content)[0], [0.0, 1 / 3, 2 / 3])


def test_an_episode_ends_in_the_node_of_its_return(known, episodes):
    episode = episodes[0]
    total = episode.total_reward
    assert path_of(known, episode)[-1] == 4
    assert path_of(replace(known, limits=np.array([total - 1])), episode)[-1] == 5
    assert path_of(replace(known, limits=np.array([total])), episode)[-1] == 4


def test_nodes_without_conditions_and_logs_are_refused(setting, episodes, known):
    with pytest.raises(CapabilityError, match="no conditions"):
        graph_prediction(check(setting.agent, episodes, replace(known, conditions=())))
    with pytest.raises(CapabilityError, match="need the environment"):
        graph_prediction(check(setting.agent, replace(episodes, spec=None), known))
