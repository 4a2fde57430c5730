"""Counterparts: nearest states of another choice, by hand."""

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.rollouts.counterparts import cost_of_counterparts, counterparts, share_moved
from tests.explainers.cases import LinearQ, logged, task

AGENT = LinearQ(np.array([[1.0, -1.0], [0.0, 0.0]]))
"""Takes action 0 where the first input is above 0."""


def line():
    """One episode whose first input is -3, -1, 1, 2 and whose second one never varies."""
    episodes = logged(2, 2, lengths=(4,))
    episodes[0].observations[:, 0] = [-3.0, -1.0, 1.0, 2.0, 9.0]
    episodes[0].observations[:, 1] = 0.0
    return episodes


def test_the_nearest_state_of_another_choice_is_taken() -> None:
    moments = np.array([[0, 0], [0, 1], [0, 3]])
    assert counterparts(AGENT, line(), moments).tolist() == [[0, 2], [0, 2], [0, 1]]


def test_it_costs_what_is_said() -> None:
    asked = task(AGENT, line())
    counterparts(asked.agent, asked.episodes, np.array([[0, 0], [0, 3]]))
    assert asked.meter.used.queries == cost_of_counterparts(asked.episodes, 2) == 6


def test_an_agent_that_always_does_the_same_has_none() -> None:
    episodes = line()
    episodes[0].observations[:, 0] = 1.0
    with pytest.raises(DataError, match="chooses the same in all recorded states"):
        counterparts(AGENT, episodes, np.array([[0, 0]]))


def test_the_share_of_the_way_by_hand() -> None:
    before, target = np.array([[1.0, 0.0]] * 4), np.array([[0.0, 1.0]] * 3 + [[1.0, 0.0]])
    after = np.array([[0.25, 0.75], [2.0, -1.0], [1.5, 0.5], [0.0, 0.0]])
    np.testing.assert_allclose(share_moved(before, after, target), [75.0, -100.0, 0.0, np.nan])
