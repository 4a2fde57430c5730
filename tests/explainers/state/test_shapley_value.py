"""Shapley values of the predicted return against closed forms."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

from pellucid.agents.acting import predicted_return
from pellucid.errors import AgentError, CapabilityError
from pellucid.explainers.state.input_game import sampled_rows
from pellucid.explainers.state.shapley_value import ShapleyValue

WEIGHTS = np.array([[1.0], [-0.5], [0.0]])


@dataclass
class LinearValue(LinearQ):
    """V(s) = s @ weights[:, 0]; its Q-values are something else."""

    capabilities: frozenset[str] = frozenset({"q_values", "value"})

    def q_values(self, observations):
        return 100.0 - observations @ self.weights[:, [0, 0]]

    def value(self, observations):
        return observations @ self.weights[:, 0]


def background_mean(finding, episodes):
    rows = sampled_rows(0, "background", len(episodes.visited), finding.facts["n_background"].value)
    return episodes.visited[rows].mean(axis=0)


def test_a_linear_value_head_gets_weight_times_distance_from_the_background_mean():
    episodes = logged(3, 2)
    finding = ShapleyValue().explain(task(LinearValue(WEIGHTS), episodes))
    content = finding.content
    mean = background_mean(finding, episodes)
    expected = (content.observations - mean) * WEIGHTS[:, 0]
    assert content.values.shape == (90, 3, 1)
    np.testing.assert_allclose(content.values[:, :, 0], expected, atol=1e-12)
    np.testing.assert_allclose(content.outputs[:, 0], content.observations @ WEIGHTS[:, 0])
    np.testing.assert_allclose(content.baseline, [mean @ WEIGHTS[:, 0]])
    assert content.output_unit == "predicted return"
    assert content.output_names == ("predicted return",)
    assert content.ranking.tolist() == [0, 1, 2]
    assert not content.signed
    assert finding.identity_error < 1e-12


def test_without_a_value_head_the_largest_q_value_is_what_it_predicts():
    # max of (s0, s0 - 5): the first one always, so that input 1 alone cannot matter
    @dataclass
    class Shifted(LinearQ):
        capabilities: frozenset[str] = frozenset({"q_values"})

        def q_values(self, observations):
            first = observations[:, 0]
            return np.stack((first - 5.0, first), axis=1)

    episodes = logged(2, 2)
    finding = ShapleyValue().explain(task(Shifted(np.zeros((2, 2))), episodes))
    mean = background_mean(finding, episodes)
    expected = finding.content.observations[:, 0] - mean[0]
    np.testing.assert_allclose(finding.content.values[:, 0, 0], expected, atol=1e-12)
    assert np.abs(finding.content.values[:, 1]).max() < 1e-12


def test_inputs_are_hidden_by_size_whatever_their_sign():
    content = ShapleyValue().explain(task(LinearValue(WEIGHTS), logged(3, 2))).content
    sizes = np.abs(content.values[:, :, 0])
    assert (content.orders == np.argsort(-sizes, axis=1, kind="stable")).all()
    np.testing.assert_allclose(content.importance, sizes.mean(axis=0))


def test_f40_scaling_the_prediction_scales_the_attribution():
    one = ShapleyValue().explain(task(LinearValue(WEIGHTS), logged(3, 2))).content
    eight = ShapleyValue().explain(task(LinearValue(8 * WEIGHTS), logged(3, 2))).content
    np.testing.assert_allclose(eight.values, 8 * one.values, atol=1e-12)
    np.testing.assert_allclose(eight.standard_errors, 8 * one.standard_errors, atol=1e-12)


@dataclass
class ChoosesOnly(LinearQ):
    capabilities: frozenset[str] = frozenset()


@pytest.mark.parametrize("asked", ["plan", "explain"])
def test_f33_an_agent_that_predicts_nothing_is_refused_before_any_work(asked):
    given = task(ChoosesOnly(np.ones((3, 2)), name="chooser"), logged(3, 2))
    with pytest.raises(CapabilityError, match="predicts no return") as caught:
        getattr(ShapleyValue(), asked)(given)
    assert caught.value.hint == "an agent with a value head or Q-values"
    assert given.meter.used.queries == 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda o: np.ones((len(o), 1)), "values of shape"),
        (lambda o: np.full(len(o), np.nan), "NaN or infinite"),
        (lambda o: np.full(len(o), np.inf), "NaN or infinite"),
    ],
)
def test_f23_values_that_are_none_are_refused(answer, message):
    agent = LinearValue(WEIGHTS)
    agent.value = answer
    with pytest.raises(AgentError, match=message):
        predicted_return(agent, np.zeros((4, 3)))


@pytest.mark.parametrize("queries", [500, 2_000, 50_000])
def test_f36_budget_sets_the_size_and_is_never_exceeded(queries):
    given = task(LinearValue(WEIGHTS), logged(3, 2), queries=queries)
    ShapleyValue().explain(given)
    assert 0 < given.meter.used.queries <= queries
    assert given.meter.used.env_steps == 0


@pytest.mark.parametrize("n_inputs", [12, 20])
def test_beyond_exact_the_estimator_is_named(n_inputs):
    weights, episodes = np.arange(n_inputs, dtype=float)[:, None], logged(n_inputs, 2)
    finding = ShapleyValue().explain(task(LinearValue(weights), episodes, queries=200_000))
    assert finding.facts["estimator"].value == "adjusted antithetic chains"
    assert finding.left_out[0].startswith("Which inputs move its predicted return? Shapley values")
    expected = (finding.content.observations - episodes.visited.mean(axis=0)) * weights[:, 0]
    np.testing.assert_allclose(finding.content.values[:, :, 0], expected, atol=1e-8)
