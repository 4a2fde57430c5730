"""A metered agent pays before it is asked, and is otherwise the agent."""

from typing import Any

import numpy as np
import pytest
import torch

from pellucid.agents import agent_sha256, load_agent
from pellucid.agents.acting import choose_actions, preferences
from pellucid.agents.metering import MeteredAgent, unmetered
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError
from tests.agents.models import StubEnv, make_model, random_observations


@pytest.fixture(scope="module")
def inner() -> Any:
    return load_agent(make_model("PPO", policy_kwargs={"net_arch": [8]}))


def test_every_answer_costs_one_query_per_row(inner: Any) -> None:
    meter = Meter(Cost(1000))
    agent = MeteredAgent(inner, meter)
    rows = random_observations(3)
    rngs = [np.random.default_rng(i) for i in range(3)]
    asks = [
        lambda: agent.act(rows),
        lambda: agent.distribution(rows),
        lambda: agent.value(rows),
        lambda: agent.latent(rows),
        lambda: agent.sample(rows, rngs),
        lambda: agent.torch_preferences(torch.as_tensor(rows)),
        lambda: agent.randomise_layers(1, rngs[0]).act(rows),
        lambda: preferences(agent, rows),
        lambda: choose_actions(agent, rows, "greedy", ()),
    ]
    for n_asked, ask in enumerate(asks, start=1):
        ask()
        assert meter.used == Cost(3 * n_asked)


def test_a_query_that_cannot_be_paid_is_never_made(inner: Any) -> None:
    calls = []

    def counted(observations: Any) -> Any:
        calls.append(len(observations))
        return np.zeros(len(observations), np.int64)

    meter = Meter(Cost(5))
    agent = MeteredAgent(load_agent(counted, env=StubEnv()), meter)
    agent.act(random_observations(5))
    before = len(calls)
    with pytest.raises(BudgetError):
        agent.act(random_observations(1))
    assert len(calls) == before
    assert meter.used == Cost(5)


def test_what_it_is_passes_through(inner: Any) -> None:
    agent = MeteredAgent(inner, Meter(Cost()))
    for part in ("name", "framework", "observation_space", "action_space", "capabilities"):
        assert getattr(agent, part) == getattr(inner, part)
    for part in ("card", "n_parameters", "sha256", "n_layers"):
        assert getattr(agent, part) == getattr(inner, part)
    assert agent_sha256(agent) == inner.sha256
    assert unmetered(MeteredAgent(agent, Meter(Cost()))) is inner


def test_a_missing_capability_costs_nothing_and_is_named(inner: Any) -> None:
    meter = Meter(Cost(100))
    with pytest.raises(CapabilityError, match="has no q_values; it has distribution, "):
        MeteredAgent(inner, meter).q_values(random_observations(2))
    assert meter.used == Cost()
