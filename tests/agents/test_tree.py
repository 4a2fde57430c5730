"""A tree as an agent: its actions by hand, in every space, and through a worker process."""

import multiprocessing

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary

from pellucid.agents.tree import TreeAgent, actions_of
from pellucid.errors import CapabilityError
from pellucid.kernels.cart import LEAF, Cart

TREE = Cart(
    np.array([1, LEAF, LEAF]),
    np.array([0.5, 0.0, 0.0]),
    np.array([[1, 2], [LEAF, LEAF], [LEAF, LEAF]]),
    np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]),
)
ROWS = np.array([[9.0, 0.5], [0.0, 0.51]], dtype=np.float32)
SPACE = Box(-9.0, 9.0, (2,), np.float32)


def test_an_input_at_the_threshold_goes_left() -> None:
    assert TreeAgent(TREE, SPACE, Discrete(2)).act(ROWS).tolist() == [0, 1]


def test_actions_begin_where_the_space_does() -> None:
    actions = TreeAgent(TREE, SPACE, Discrete(2, start=5)).act(ROWS)
    assert actions.tolist() == [5, 6]
    assert actions.dtype == np.int64


def test_continuous_actions_have_the_shape_and_range_of_the_space() -> None:
    space = Box(-1.0, 0.5, (1, 2), np.float32)
    actions = TreeAgent(TREE, SPACE, space).act(ROWS)
    assert (actions.shape, actions.dtype) == ((2, 1, 2), np.float32)
    np.testing.assert_allclose(actions[:, 0], [[0.5, 0.1], [0.2, 0.5]])


def test_a_category_is_one_input() -> None:
    cells = Cart(np.array([0, LEAF, LEAF]), np.array([2.5, 0, 0]), TREE.children, TREE.values)
    agent = TreeAgent(cells, Discrete(5), Discrete(2))
    assert agent.act(np.array([0, 2, 3])).tolist() == [0, 0, 1]


def test_other_actions_are_refused() -> None:
    with pytest.raises(CapabilityError, match="MultiBinary"):
        actions_of(np.zeros((1, 2)), MultiBinary(2))


def test_it_can_be_sent_to_another_process() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        acted = pool.apply(TreeAgent(TREE, SPACE, Discrete(2)).act, (ROWS,))
    assert acted.tolist() == [0, 1]
