"""Explaining one agent by one method: what is refused before any work."""

import pytest

import pellucid as pl
from pellucid.api.explaining import plan_method
from pellucid.errors import InputError, UnknownNameError
from tests.contracts.agents import TRACK, LinearAgent


@pytest.mark.parametrize(("collected", "asked"), [("greedy", "sampled"), ("sampled", "greedy")])
def test_what_was_done_is_not_compared_with_another_way_of_acting(collected, asked):
    # drops and masked returns subtract from the rewards in the episodes
    agent = LinearAgent()
    episodes = pl.collect(agent, TRACK, n_episodes=5, seed=0, policy=collected)
    with pytest.raises(InputError, match=f"collected with {collected} actions, not {asked}"):
        pl.explain(agent, episodes, method="critical-steps", policy=asked)


@pytest.mark.parametrize(
    ("method", "option", "hint"),
    [
        ("why-not", "foli", "did you mean 'foil'"),
        ("why-not", "steps", "did you mean 'step'"),
        ("critical-steps", "hold", "known: episode"),
        ("shapley", "episode", "known: none"),
    ],
)
def test_an_unknown_option_is_an_error_that_names_the_nearest_one(method, option, hint):
    agent = LinearAgent()
    episodes = pl.collect(agent, TRACK, n_episodes=5, seed=0)
    with pytest.raises(UnknownNameError, match=f"unknown option of {method} '{option}'") as told:
        pl.explain(agent, episodes, method=method, options={option: 1})
    assert hint in told.value.hint
    with pytest.raises(UnknownNameError):
        plan_method(agent, episodes, method=method, options={option: 1})
