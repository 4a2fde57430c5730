"""The planted causes, by hand and by running the environment."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.explanation import Graph
from pellucid.faithfulness.planted.causes import (
    DECAY,
    N_INPUTS,
    NOISE,
    chain_right,
    edges_found,
    edges_right,
    pipes,
)
from tests.faithfulness.planted.oracles import causes


def test_a_step_follows_the_known_edges():
    setting = pipes(1001)
    env = make_env(setting.spec)
    edges = setting.truth.edges
    before, _ = env.reset(seed=0)
    moved = []
    for seed in range(400):
        before, _ = env.reset(seed=seed)
        after, reward, *_ = env.step(1)
        moved.append((before, after - before, reward - after[setting.truth.chain[2]]))
    rows, changes, rest = (np.array(part) for part in zip(*moved, strict=True))
    weights = np.linalg.lstsq(rows, changes, rcond=None)[0]
    assert (np.abs(weights[edges[1, :-1, :-1]]) > 0.2).all()
    assert (np.abs(weights[~edges[1, :-1, :-1]]) < 0.1).all()
    assert np.diag(weights) == pytest.approx(-DECAY, abs=0.1)
    assert rest.std() == pytest.approx(NOISE, abs=0.05)


def test_shares_of_edges_by_hand():
    truth = pipes(0).truth
    known = causes(truth)
    assert (edges_found(known, truth), edges_right(known, truth)) == (1.0, 1.0)
    everything = replace(known, effects=np.ones_like(known.effects))
    assert edges_found(everything, truth) == 1.0
    assert edges_right(everything, truth) == truth.edges.mean()
    assert np.isnan(edges_right(replace(known, effects=0 * known.effects), truth))


def test_the_last_action_has_one_edge_more():
    edges = pipes(2).truth.edges
    assert edges[-1].sum() == edges[0].sum() + 1
    assert edges[0].sum() == N_INPUTS + 4


def test_the_chain_must_be_whole():
    truth = pipes(0).truth
    known = causes(truth)
    assert chain_right(known, truth) == 1.0
    assert chain_right(replace(known, chain=known.chain[1:]), truth) == 0.0
    assert np.isnan(chain_right(replace(known, chain=known.chain[:0]), truth))


def test_a_graph_of_other_nodes_is_not_scored():
    other = Graph(("a",), np.ones(1), np.ones((1, 1)))
    assert np.isnan(edges_found(other, pipes(0).truth))
