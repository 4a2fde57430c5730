"""Perturbation saliency against closed forms."""

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, Product, logged, task

from pellucid.errors import BudgetError, DataError
from pellucid.explainers.state.pairs import planned_pairs
from pellucid.explainers.state.perturbation import Perturbation
from pellucid.explanation.groups import single_inputs

WEIGHTS = np.array([[1.0, -2.0], [0.5, 0.0], [0.0, 0.0]])


def background(episodes):
    return planned_pairs(
        task(None, episodes), "perturbation", "", groups=single_inputs("abc"), per_pair=1
    ).background


def test_linear_agent_has_weight_times_distance_from_the_background_mean():
    episodes = logged(3, 2)
    content = Perturbation().explain(task(LinearQ(WEIGHTS), episodes)).content
    distance = content.observations - background(episodes).mean(axis=0)
    np.testing.assert_allclose(content.values, distance[:, :, None] * WEIGHTS, atol=1e-12)
    spread = background(episodes).std(axis=0, ddof=1) / np.sqrt(50)
    errors = np.abs(WEIGHTS) * spread[:, None]
    np.testing.assert_allclose(content.standard_errors[0], errors, atol=1e-12)


def test_of_a_product_each_input_gets_what_it_adds_to_the_other():
    # x0 x1 - b0 x1: unlike Shapley values, both get the whole interaction
    episodes = logged(2, 2)
    content = Perturbation().explain(task(Product(np.zeros((2, 2))), episodes)).content
    x, mean = content.observations, background(episodes).mean(axis=0)
    expected = (x - mean) * x[:, ::-1]
    np.testing.assert_allclose(content.values[:, :, 0], expected, atol=1e-12)
    assert (content.values[:, :, 1] == 0).all()


@pytest.mark.parametrize("queries", [100, 1_000, 10_000])
def test_budget_sets_the_size_and_is_never_exceeded(queries):
    given = task(LinearQ(WEIGHTS), logged(3, 2), queries=queries)
    planned = Perturbation().plan(given).queries
    finding = Perturbation().explain(given)
    assert given.meter.used.queries == planned <= queries
    assert "in place of 90 against 50" in finding.left_out[0]
    assert len(finding.content.values) >= 5


def test_smaller_budgets_and_no_states_are_refused():
    with pytest.raises(BudgetError, match="needs 69 agent queries here; 68 are left"):
        Perturbation().explain(task(LinearQ(WEIGHTS), logged(3, 2), queries=68))
    with pytest.raises(DataError, match="no visited states"):
        Perturbation().plan(task(LinearQ(WEIGHTS), logged(3, 2, lengths=())))


def test_many_inputs_are_asked_for_in_batches_and_give_the_same(monkeypatch):
    weights = np.random.default_rng(0).normal(size=(9, 2))
    whole = Perturbation().explain(task(LinearQ(weights), logged(9, 2))).content.values
    monkeypatch.setattr("pellucid.explainers.state.replacing.MOST_NUMBERS", 1000)
    parts = Perturbation().explain(task(LinearQ(weights), logged(9, 2))).content.values
    np.testing.assert_allclose(parts, whole, atol=1e-12)
