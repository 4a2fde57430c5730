"""By what moments are compared."""

import numpy as np
import pytest
from gymnasium.spaces import Box

from pellucid.errors import CapabilityError
from pellucid.rollouts.likeness import INPUTS, LATENT, columns_of, likeness_of
from pellucid.types import Context
from tests.explainers.cases import LinearQ

WEIGHTS = np.eye(2)


class Layered(LinearQ):
    """Shows a hidden layer, which depends on its memory if it has one."""

    memory = 0.0

    def within(self, context):
        agent = Layered(WEIGHTS, capabilities=self.capabilities)
        agent.memory = context.memory
        return agent

    def latent(self, observations):
        return (3 * observations + self.memory).astype(np.float32)


def test_inputs_are_compared_where_no_hidden_layer_is_shown():
    agent = LinearQ(WEIGHTS)
    assert likeness_of(agent) == INPUTS
    rows = np.arange(4, dtype=np.float32).reshape(2, 2)
    found = columns_of(agent, rows, Context(), INPUTS)
    np.testing.assert_array_equal(found, rows)
    assert found.dtype == np.float64


def test_a_hidden_layer_is_asked_for_in_its_context():
    agent = Layered(WEIGHTS, capabilities=frozenset({"latent"}))
    assert likeness_of(agent) == LATENT
    found = columns_of(agent, np.ones((2, 2)), Context(memory=np.array([[1.0], [2.0]])), LATENT)
    np.testing.assert_array_equal(found, [[4, 4], [5, 5]])
    assert found.dtype == np.float64


def test_images_without_a_hidden_layer_are_refused():
    agent = LinearQ(WEIGHTS)
    agent.observation_space = Box(0, 255, (84, 84, 4), np.uint8)
    with pytest.raises(CapabilityError, match="28224 numbers are not compared"):
        likeness_of(agent)
