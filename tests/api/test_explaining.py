"""Explaining one agent by one method: what is refused before any work."""

import pytest

import pellucid as pl
from pellucid.errors import InputError
from tests.contracts.agents import TRACK, LinearAgent


@pytest.mark.parametrize(("collected", "asked"), [("greedy", "sampled"), ("sampled", "greedy")])
def test_what_was_done_is_not_compared_with_another_way_of_acting(collected, asked):
    # drops and masked returns subtract from the rewards in the episodes
    agent = LinearAgent()
    episodes = pl.collect(agent, TRACK, n_episodes=5, seed=0, policy=collected)
    with pytest.raises(InputError, match=f"collected with {collected} actions, not {asked}"):
        pl.explain(agent, episodes, method="critical-steps", policy=asked)
