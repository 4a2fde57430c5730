"""F44: single and double precision give the same explanations, but for rounding."""

import numpy as np
import torch
from tests.contracts.agents import TRACK

import pellucid as pl
from pellucid.budget import Cost
from pellucid.types import Agent

BUDGET = Cost(50_000, 1_000)


def agent_in(dtype: torch.dtype) -> Agent:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = torch.nn.Sequential(
            torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)
        )
    return pl.load_agent(module.to(dtype), env=TRACK)


def test_f44_attributions_in_single_and_double_precision_agree() -> None:
    single, double = agent_in(torch.float32), agent_in(torch.float64)
    episodes = pl.collect(single, TRACK, n_episodes=6, seed=0)
    again = pl.collect(double, TRACK, n_episodes=6, seed=0)
    assert all(
        np.array_equal(one.actions, two.actions)
        for one, two in zip(episodes.used, again.used, strict=True)
    )
    found = [
        pl.explain(agent, episodes, method="shapley", seed=0, budget=BUDGET, score=False)
        for agent in (single, double)
    ]
    first, second = (f.content for f in found)
    np.testing.assert_allclose(first.values, second.values, atol=1e-5)
    np.testing.assert_allclose(first.standard_errors, second.standard_errors, atol=1e-5)
    assert first.ranking.tolist() == second.ranking.tolist()
