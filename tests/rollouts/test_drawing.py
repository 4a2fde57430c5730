"""Actions to force are inside their space, and the draws of an agent belong to their step."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from pellucid.envs.rows import RowSpace
from pellucid.rollouts.drawing import PolicyDraws, opposite_action, random_actions


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-np.inf, np.inf, (-1.0, 1.0)),
        (0.0, np.inf, (0.0, 1.0)),
        (2.0, np.inf, (2.0, 3.0)),
        (-np.inf, -5.0, (-6.0, -5.0)),
        (-np.inf, 0.5, (-1.0, 0.5)),
        (-3.0, 4.0, (-3.0, 4.0)),
    ],
)
def test_random_and_opposite_actions_are_inside_spaces_without_ends(low, high, expected):
    space = Box(low, high, (1,), np.float64)
    drawn = random_actions(space, 2000, np.random.default_rng(0))
    assert all(space.contains(action) for action in drawn)
    np.testing.assert_allclose((drawn.min(), drawn.max()), expected, atol=0.01)
    np.testing.assert_allclose(opposite_action(space, np.array([expected[0]])), expected[1])


def test_draws_of_a_step_do_not_depend_on_what_was_drawn_before():
    draws = PolicyDraws(0, 3)
    first = draws.at(5).random(4)
    draws.at(2).integers(7, size=9, dtype=np.uint32)  # leaves half a word behind
    np.testing.assert_array_equal(draws.at(5).random(4), first)
    np.testing.assert_array_equal(PolicyDraws(0, 3).at(5).random(4), first)


def test_draws_of_neighbouring_steps_are_unrelated():
    draws = PolicyDraws(0, 0)
    table = np.array([draws.at(step).random(3) for step in range(4000)])
    assert len(np.unique(table)) == table.size
    # one in a hundred of the smallest samples' correlations would reach .04
    correlations = np.corrcoef(np.column_stack([table[:-1], table[1:]]), rowvar=False)
    assert np.abs(correlations - np.eye(6)).max() < 0.06
    assert abs(table.mean() - 0.5) < 0.02


@pytest.mark.parametrize(
    "original",
    [
        Dict({"gear": Discrete(3, start=-1), "push": Box(-2.0, 4.0, (2,))}),
        Tuple([MultiBinary(2), MultiDiscrete([2, 3])]),
    ],
)
def test_random_actions_with_parts_are_uniform_in_each_part(original):
    space = RowSpace(original)
    drawn = random_actions(space, 3000, np.random.default_rng(0))
    assert drawn.dtype == space.dtype
    assert all(space.contains(row) for row in drawn[:100])
    middle = (space.low + space.high) / 2
    # four standard deviations of a mean of 3000 draws from the widest part
    limit = 4 * (space.high - space.low).max() / np.sqrt(12 * 3000) * 1.5
    np.testing.assert_allclose(drawn.mean(axis=0), middle, atol=limit)
    for column, low in enumerate(space.low):
        assert drawn[:, column].min() == pytest.approx(low, abs=0.05)
