"""Agents that are programs act as their outputs say."""

import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.agents.program import ProgramAgent
from pellucid.kernels.cart import Cart
from pellucid.kernels.programs import Program

LEAF = Cart(np.array([-1]), np.zeros(1), np.full((1, 2), -1), np.array([[0.0, 0.5]]))
PROGRAM = Program(LEAF, 2, ("max(x[0], x[1])",), np.array([[[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]))
SPACE = Box(-np.inf, np.inf, (2,), np.float32)
ROWS = np.array([[0.25, 0.0], [-1.0, 0.75]], np.float32)


def test_the_largest_output_is_chosen_from_the_start_of_the_space():
    agent = ProgramAgent(PROGRAM, SPACE, Discrete(2, start=5))
    assert agent.act(ROWS).tolist() == [6, 5]


def test_outputs_are_a_continuous_action_within_its_range():
    agent = ProgramAgent(PROGRAM, SPACE, Box(-0.5, 0.5, (2,), np.float32))
    np.testing.assert_allclose(agent.act(ROWS), [[0.25, 0.5], [0.5, 0.5]])
