"""RISE against closed forms and enumeration."""

import itertools

import numpy as np
from tests.explainers.cases import LinearQ, Product, logged, task

from pellucid.explainers.state.pairs import planned_pairs
from pellucid.explainers.state.rise import Rise
from pellucid.explanation.groups import single_inputs

WEIGHTS = np.array([[1.0, -2.0], [0.5, 0.0], [0.0, 0.0]])


def background(episodes, n_inputs):
    groups = single_inputs("abcdefgh"[:n_inputs])
    pairs = planned_pairs(
        task(None, episodes), "rise", "", groups=groups, per_pair=2 ** (n_inputs + 1)
    )
    return pairs.background


def test_linear_agent_has_half_of_weight_times_distance():
    episodes = logged(3, 2)
    content = Rise().explain(task(LinearQ(WEIGHTS), episodes)).content
    distance = content.observations - background(episodes, 3).mean(axis=0)
    np.testing.assert_allclose(content.values, 0.5 * distance[:, :, None] * WEIGHTS, atol=1e-12)
    spread = background(episodes, 3).std(axis=0, ddof=1) / np.sqrt(50)
    errors = 0.5 * np.abs(WEIGHTS) * spread[:, None]
    np.testing.assert_allclose(content.standard_errors[0], errors, atol=1e-12)


def test_of_few_inputs_it_is_the_mean_over_all_masks():
    episodes = logged(2, 2)
    agent = Product(np.zeros((2, 2)))
    content = Rise().explain(task(agent, episodes)).content
    masks = np.array(list(itertools.product([False, True], repeat=2)))
    x = content.observations
    rows = background(episodes, 2)
    hybrids = np.where(masks[:, None, None], x[:, None], rows)
    answers = agent.q_values(hybrids.reshape(-1, 2)).reshape(4, len(x), len(rows), 2).mean(axis=2)
    wanted = [answers[masks[:, i]].mean(axis=0) - answers.mean(axis=0) for i in range(2)]
    np.testing.assert_allclose(content.values, np.stack(wanted, axis=1), atol=1e-12)


def test_an_ignored_input_of_a_linear_agent_gets_exactly_nothing_however_many_there_are():
    weights = np.zeros((20, 2))
    weights[:4] = np.random.default_rng(0).normal(size=(4, 2))
    content = Rise().explain(task(LinearQ(weights), logged(20, 2))).content
    assert np.abs(content.values[:, 4:]).max() < 1e-12
    assert set(content.ranking[:4]) == {0, 1, 2, 3}


def test_the_budget_sets_the_size_and_is_met_exactly():
    for queries in (300, 5_000):
        given = task(LinearQ(WEIGHTS), logged(3, 2), queries=queries)
        planned = Rise().plan(given).queries
        Rise().explain(given)
        assert given.meter.used.queries == planned <= queries
