"""Clones of recorded episodes, and decisions to look at."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from pellucid.agents.recorded import recorded_agent
from pellucid.agents.spaces import Spaces
from pellucid.errors import CapabilityError, DataError
from pellucid.rollouts.clones import (
    asks,
    check_clonable,
    decisions_at,
    fit_clone,
    moments_of,
    moved,
    recorded_at,
)
from tests.agents.contexts import Rememberer
from tests.explainers.cases import LinearQ, logged

WEIGHTS = np.array([[1.0, -1.0], [0.0, 0.0]])
"""The first action where the first input is above 0."""


def acted():
    """Episodes in which an agent did what its weights say."""
    episodes = logged(2, 2)
    for episode in episodes.attempted:
        episode.actions[:] = LinearQ(WEIGHTS).act(episode.observations[:-1])
    return episodes


def test_a_clone_does_what_was_recorded_and_forgets_what_is_taken_out() -> None:
    episodes = acted()
    clone = fit_clone(episodes, Discrete(2))
    moments = episodes.visited_steps
    near = clone.similarities(episodes, moments)
    wanted = recorded_at(episodes, moments)
    assert (clone.outputs(near, []).argmax(axis=1) == wanted).mean() > 0.95
    # nothing is left to go by
    np.testing.assert_allclose(clone.outputs(near, [0, 1, 2]), 0.0, atol=1e-9)
    assert (clone.outputs(near, [0]).argmax(axis=1) == wanted).mean() > 0.8


def test_quantities_move_in_percent_of_their_range_and_choices_by_total_variation() -> None:
    one, two = np.array([[0.0, 1.0]]), np.array([[0.5, 3.0]])
    space = Box(-5.0, 5.0, (2,))
    assert moved(one, two, space, np.array([2.0, 4.0])).tolist() == [37.5]
    # more than the range counts as the range, and preferences beyond 0 and 1 as those
    assert moved(one, two, space, np.array([0.1, 4.0])).tolist() == [75.0]
    assert moved(np.array([[1.4, -0.4]]), np.array([[1.0, 0.0]]), Discrete(2), one[0]) == [0.0]


def test_decisions_are_asked_for_or_read_from_the_record() -> None:
    episodes = logged(2, 2)
    moments = np.array([[0, 1], [0, 5], [2, 0]])
    agent = LinearQ(WEIGHTS)
    seen = np.stack([episodes[e].observations[t] for e, t in moments])
    np.testing.assert_array_equal(decisions_at(agent, episodes, moments), agent.act(seen))
    record = recorded_agent("log", Spaces(agent.observation_space, agent.action_space), "")
    found = decisions_at(record, episodes, moments)
    np.testing.assert_array_equal(found, recorded_at(episodes, moments))
    assert (asks(agent), asks(record)) == (True, False)


def test_moments_are_spread_and_hold_the_one_that_is_asked_for() -> None:
    episodes = logged(2, 2, lengths=(8, 1, 16))
    found = moments_of(episodes, (2, 15)).tolist()
    assert found == [[0, 1], [0, 3], [0, 5], [0, 7], [1, 0], *([2, t] for t in (2, 6, 10, 14, 15))]


def test_what_no_clone_can_copy_is_refused() -> None:
    with pytest.raises(CapabilityError, match="has a memory") as raised:
        check_clonable(Rememberer(), logged(3, 2))
    assert "memory" in str(raised.value.hint)
    with pytest.raises(DataError, match="needs three or more, got 2"):
        check_clonable(LinearQ(WEIGHTS), logged(2, 2, lengths=(5, 5)))
