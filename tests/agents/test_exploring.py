"""An agent that acts at random now and then."""

import numpy as np
import pytest

from pellucid.agents.exploring import ExploringAgent
from tests.contracts.agents import LinearAgent

ROWS = np.zeros((400, 3))
ROWS[:, 0] = 5.0  # far right: it goes left


def rngs(seed=0):
    return [np.random.default_rng((seed, i)) for i in range(len(ROWS))]


@pytest.mark.parametrize(("rate", "share"), [(0.0, 1.0), (0.3, 0.8), (1.0, 1 / 3)])
def test_it_acts_at_random_as_often_as_asked(rate, share):
    agent = ExploringAgent(LinearAgent(), rate=rate, policy="greedy")
    actions = agent.sample(ROWS, rngs())
    assert (actions == 0).mean() == pytest.approx(share, abs=0.06)


def test_a_drawing_agent_draws_when_it_does_not_explore():
    agent = ExploringAgent(LinearAgent(), rate=0.0, policy="sampled")
    np.testing.assert_array_equal(
        agent.sample(ROWS * 0, rngs()), LinearAgent().sample(ROWS * 0, rngs())
    )


def test_equal_generators_give_equal_actions_and_nothing_else_is_offered():
    agent = ExploringAgent(LinearAgent(), rate=0.5, policy="greedy")
    np.testing.assert_array_equal(agent.sample(ROWS, rngs(1)), agent.sample(ROWS, rngs(1)))
    assert agent.capabilities == {"sampling"}
    assert agent.action_space is LinearAgent.action_space
    assert (agent.act(ROWS) == 0).all()
