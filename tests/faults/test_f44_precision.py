"""F44: single and double precision give the same explanations, but for rounding."""

from functools import cache

import numpy as np
import pytest
import torch
from tests.contracts.agents import TRACK, on_the_track

import pellucid as pl
from pellucid import registry
from pellucid.budget import Cost
from pellucid.explanation import Explanation
from pellucid.types import Agent

BUDGET = Cost(50_000, 20_000)
TOLERANCE = 1e-5
"""Largest difference of a number that rests on the agent's outputs; single precision has 6e-8, and
an attribution adds some hundred of them. What rests on choices alone must be equal."""
FRONT, FRONT_TOLERANCE = ("returns", "return_lows", "return_highs"), 0.01
"""Trees along the front are fitted to weights that round otherwise: between two splits that are
equally good to six digits one may take the other. The tree that is picked must be equal."""
EXPLAINERS = on_the_track()


def agent_in(dtype: torch.dtype, outputs: str | None = None) -> Agent:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = torch.nn.Sequential(
            torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)
        )
    return pl.load_agent(module.to(dtype), env=TRACK, outputs=outputs)


@cache
def explained(method: str, dtype: torch.dtype) -> Explanation:
    # Q-values predict a return
    predicts = "value" in registry.load("explainers", method).info.needs
    agent = agent_in(dtype, "q_values" if predicts else None)
    episodes = pl.collect(agent, TRACK, n_episodes=10, seed=0)
    return pl.explain(agent, episodes, method=method, seed=0, budget=BUDGET)


def test_f44_both_precisions_act_alike() -> None:
    single, double = (
        pl.collect(agent_in(dtype), TRACK, n_episodes=10, seed=0)
        for dtype in (torch.float32, torch.float64)
    )
    for one, two in zip(single.used, double.used, strict=True):
        np.testing.assert_array_equal(one.actions, two.actions)
        np.testing.assert_array_equal(one.rewards, two.rewards)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_f44_contents_in_single_and_double_precision_agree(method: str) -> None:
    single, double = (explained(method, dtype).content for dtype in (torch.float32, torch.float64))
    assert single is not None
    found = {n: v for n, v in vars(single).items() if isinstance(v, np.ndarray)}
    assert found
    for name, one in found.items():
        two = getattr(double, name)
        if one.dtype.kind == "f":
            share = FRONT_TOLERANCE if name in FRONT else TOLERANCE
            np.testing.assert_allclose(one, two, atol=TOLERANCE, rtol=share, err_msg=name)
        else:
            np.testing.assert_array_equal(one, two, err_msg=name)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_f44_tests_in_single_and_double_precision_agree(method: str) -> None:
    single, double = (explained(method, dtype) for dtype in (torch.float32, torch.float64))
    assert (single.badge, single.decisive, single.used) == (
        double.badge,
        double.decisive,
        double.used,
    )
    for one, two in zip(single.faithfulness, double.faithfulness, strict=True):
        assert (one.metric, one.badge) == (two.metric, two.badge)
        if one.metric.startswith("weight_randomisation"):
            continue  # redrawn weights are other numbers in another precision
        close = pytest.approx(two.interval.value, abs=TOLERANCE, rel=TOLERANCE, nan_ok=True)
        assert one.interval.value == close, one.metric
