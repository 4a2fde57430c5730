"""What a network does in recorded states once it is steered, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from torch import nn

import pellucid as pl
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.rollouts.steered_states import (
    OF_RANGE,
    POINTS,
    most_moved,
    output_widths,
    picked_among,
    points_of,
    steered_states,
    unit_of_points,
)
from tests.agents.test_hidden_layers import loaded, small
from tests.explainers.cases import LinearQ, logged


class Env:
    def __init__(self, action_space):
        self.observation_space = Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = action_space


def agent_with(action_space, n_outputs, outputs=None):
    network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, n_outputs))
    return pl.load_agent(network, env=Env(action_space), outputs=outputs)


def singles(episodes):
    """Return the episodes with observations in single precision, as the networks here take them."""
    attempted = [
        replace(e, observations=e.observations.astype(np.float32)) for e in episodes.attempted
    ]
    return replace(episodes, attempted=tuple(attempted))


def test_points_are_percent_of_chance_of_states_and_of_range() -> None:
    widths = np.ones(2)
    agent = agent_with(Discrete(2), 2)
    np.testing.assert_allclose(points_of(agent, np.array([[0.2, 0.8]]), widths), [[20.0, 80.0]])
    # of Q-values the largest one is chosen, the first of equal ones
    values = np.array([[3.0, 7.0], [1.0, 1.0]])
    found = points_of(LinearQ(np.eye(2)), values, widths)
    assert found.tolist() == [[0.0, 100.0], [100.0, 0.0]]
    agent = agent_with(Box(-2.0, 2.0, (1,), np.float32), 1)
    assert points_of(agent, np.array([[1.0]]), np.array([4.0])).tolist() == [[25.0]]


def test_quantities_have_a_unit_of_their_own() -> None:
    assert unit_of_points(Box(0.0, 1.0, (2,))) == OF_RANGE
    assert unit_of_points(Discrete(3)) == unit_of_points(MultiDiscrete([2, 3])) == POINTS


def test_the_range_is_that_of_the_space_or_else_what_was_recorded() -> None:
    episodes = logged(2, 2)
    actions = [
        replace(e, actions=np.linspace(0, 3, len(e.actions)).reshape(-1, 1))
        for e in episodes.attempted
    ]
    recorded = replace(episodes, attempted=tuple(actions))
    assert output_widths(Box(-1.0, 4.0, (1,)), recorded).tolist() == [5.0]
    assert output_widths(Box(-np.inf, np.inf, (1,)), recorded).tolist() == [3.0]
    assert output_widths(Discrete(2), episodes).tolist() == [1.0, 1.0]


def test_shifts_are_means_over_the_states_of_each_episode() -> None:
    episodes = singles(logged(2, 2))
    agent = loaded(small())
    layers = hidden_layers(agent)
    steps = episodes.visited_steps
    states = steered_states(layers, agent, episodes, steps)
    # the layer is never below 0, and is the first Q-value: moved far down, the second one is chosen
    held = layers.activations(states.observations)[1][:, 0]
    moved = states.shifts(1, np.array([-1000.0]))
    was_second = np.array([(held[steps[:, 0] == e] < 0).mean() for e in range(3)])
    assert was_second.tolist() == [0.0] * 3
    assert moved.tolist() == [[-100.0, 100.0]] * 3
    assert states.shifts(1, np.zeros(1)).tolist() == [[0.0, 0.0]] * 3
    np.testing.assert_array_equal(
        states.contrast(1, np.array([-0.5])),
        states.shifts(1, np.array([-0.5])) - states.shifts(1, np.array([0.5])),
    )


@pytest.mark.parametrize(
    ("contrasts", "found"),
    [
        ([[1.0, -1.0]], (0, True)),
        ([[-1.0, 1.0]], (1, True)),
        ([[1.0, 1.0, -2.0]], (2, False)),
        ([[0.0, 0.0]], (0, True)),
    ],
)
def test_of_two_that_move_alike_the_one_that_rises_is_told(contrasts, found) -> None:
    assert most_moved(np.array(contrasts)) == found


def test_picked_states_keep_their_order() -> None:
    steps = np.column_stack((np.arange(10), np.zeros(10, dtype=np.int64)))
    assert picked_among(steps, 3)[:, 0].tolist() == [0, 4, 9]
    assert len(picked_among(steps, 50)) == 10
