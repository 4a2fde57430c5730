"""The planted clusters, by running the agent and by asking for the explanation."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost
from pellucid.explanation import Rules
from pellucid.faithfulness.planted import clusters
from tests.faithfulness.planted.oracles import examples


@pytest.mark.parametrize("seed", [0, 1])
def test_places_are_where_the_truth_says_and_the_agent_does_what_pays(seed):
    setting = clusters.clusters(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=clusters.N_EPISODES, seed=seed)
    actions = np.array(setting.truth.actions)
    right = []
    for known, episode in zip(setting.truth.clusters, episodes.used, strict=True):
        right.append(actions[list(known)] == episode.actions)
        assert len(episode) == clusters.N_STEPS
    assert np.mean(right) > 0.99  # a place may stray into the next cluster
    shares = np.bincount(np.ravel(setting.truth.clusters), minlength=6) / 400
    assert shares[:3].sum() == pytest.approx(clusters.COMMON, abs=0.06)


def test_neighbouring_clusters_have_different_actions():
    for seed in range(5):
        actions = clusters.clusters(seed).truth.actions
        assert all(actions[i] != actions[i - 1] for i in range(6))


def test_clusters_without_an_example_and_examples_of_other_actions_count_as_missed():
    truth = clusters.clusters(0).truth
    right = examples(truth)
    assert clusters.covered(right, truth) == 1.0
    some = replace(right, examples=right.examples[:4], outcomes=right.outcomes[:4])
    assert clusters.covered(some, truth) == pytest.approx(4 / 6)
    wrong = replace(right, outcomes=np.roll(right.outcomes, 1))
    assert clusters.covered(wrong, truth) == 0.0
    words = Rules(("words",), np.array([1]), np.ones(1))
    assert np.isnan(clusters.covered(words, truth))


@pytest.mark.parametrize("seed", range(2000, 2003))
def test_every_cluster_gets_an_example(seed):
    setting = clusters.clusters(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=clusters.N_EPISODES, seed=seed)
    budget = Cost(50_000, 20_000)
    result = pl.explain(setting.agent, episodes, method="prototypes", seed=seed, budget=budget)
    assert clusters.covered(result.content, setting.truth) >= clusters.COVERED
    assert result.badge == "supported"
