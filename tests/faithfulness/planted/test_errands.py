"""The planted errands, by running them."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.faithfulness.planted import errands
from tests.faithfulness.planted.oracles import subgoals as graph


@pytest.mark.parametrize("seed", [1000, 1001])
def test_every_episode_passes_the_key_and_then_the_door(seed):
    setting = errands.errands(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)
    for episode in episodes.used:
        assert episode.terminated
        seen = episode.observations.astype(np.float64)
        firsts = [np.flatnonzero((seen == one).all(axis=1))[0] for one in setting.truth.subgoals]
        assert firsts[0] < firsts[1] < len(seen) - 1
        # nobody is in the wall or beyond it without the key
        assert (seen[seen[:, 2] == 0, 1] < errands.WALL).all()


def test_near_is_two_steps_with_the_key():
    truth = errands.KnownErrands(np.array([[2.0, 1.0, 1.0], [4.0, 3.0, 1.0]]))
    told = np.array([[2.0, 1.0, 1.0], [2.0, 2.0, 1.0], [2.0, 1.0, 0.0], [3.0, 2.0, 1.0]])
    assert truth.near(told).tolist() == [
        [True, False],
        [True, False],
        [False, False],
        [True, True],
    ]


def test_shares_of_true_and_of_told_subgoals():
    truth = errands.errands(1000).truth
    right = graph(truth)
    assert errands.subgoals_found(right, truth) == 1.0
    assert errands.subgoals_true(right, truth) == 1.0
    half = replace(right, regions=np.array([right.regions[0], 0]))
    assert errands.subgoals_found(half, truth) == 0.5


def test_graphs_without_subgoals_are_not_scored():
    truth = errands.errands(1000).truth
    bare = replace(graph(truth), centres=np.empty((0, 0)), regions=np.empty(0, np.int64))
    assert np.isnan(errands.subgoals_found(bare, truth))
    assert np.isnan(errands.subgoals_true(bare, truth))
