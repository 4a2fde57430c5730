"""SARFA on agents whose choice depends on one input by construction."""

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

from pellucid.errors import CapabilityError
from pellucid.explainers.state.sarfa import Sarfa

WEIGHTS = np.array([[2.0, -2.0, 0.0], [0.0, 0.0, 0.0], [5.0, 5.0, 5.0]])
"""Input 0 tells the first two actions apart, input 1 is never read, input 2 moves all alike."""


def test_only_what_tells_actions_apart_has_saliency():
    content = Sarfa().explain(task(LinearQ(WEIGHTS), logged(3, 3))).content
    assert content.output_unit == "probability"
    assert np.abs(content.values[:, 1:]).max() < 1e-9
    assert content.values.min() >= 0
    assert content.values.max() <= 1
    assert content.ranking[0] == 0


def test_another_unit_of_reward_changes_nothing():
    small = Sarfa().explain(task(LinearQ(WEIGHTS), logged(3, 3))).content
    large = Sarfa().explain(task(LinearQ(1000 * WEIGHTS), logged(3, 3))).content
    np.testing.assert_allclose(small.values, large.values, atol=1e-9)


def test_an_input_that_speaks_against_the_choice_gets_nothing():
    # input 1 has the smaller weight: where it speaks against input 0, replacing it helps the choice
    weights = np.array([[3.0, -3.0], [0.2, -0.2]])
    content = Sarfa().explain(task(LinearQ(weights), logged(2, 2))).content
    x = content.observations
    extreme = (np.abs(x[:, 1]) > 2.0) & (np.sign(x[:, 0]) != np.sign(x[:, 1])) & (abs(x[:, 0]) > 1)
    assert extreme.any()
    assert content.chosen_values[extreme, 1].max() < 0.01
    assert content.chosen_values[extreme, 0].min() > 0.1


def test_equal_q_values_are_no_division_by_zero():
    content = Sarfa().explain(task(LinearQ(np.zeros((2, 2))), logged(2, 2))).content
    assert (content.values == 0).all()


def test_an_agent_with_actions_only_is_told_what_would_work():
    agent = LinearQ(WEIGHTS, capabilities=frozenset())
    with pytest.raises(CapabilityError, match="neither probabilities nor Q-values") as raised:
        Sarfa().plan(task(agent, logged(3, 3)))
    assert "perturbation" in str(raised.value.hint)
