"""F24, F42: futures in which the agent failed enter no number, and the reader is told."""

import numpy as np
import pytest

import pellucid as pl
from pellucid import registry
from pellucid.budget import Cost
from tests.contracts.agents import TRACK, LinearAgent, of_numbers

REPLAYING = [
    name for name in of_numbers() if "environment" in registry.load("explainers", name).info.needs
]
BUDGET = Cost(10**6, 20_000)


class FailsFarOut(LinearAgent):
    """Fails where the point has drifted far away."""

    name = "fails far out"

    def act(self, observations):
        if (np.abs(observations[:, 0]) > self.limit).any():
            raise RuntimeError("lost on purpose")
        return super().act(observations)

    limit = np.inf


@pytest.fixture(scope="module")
def calm():
    return pl.collect(LinearAgent(), TRACK, n_episodes=10, seed=0)


def limit_that_some_replays_cross(episodes) -> float:
    return float(np.quantile(np.abs(episodes.visited[:, 0]), 0.95))


@pytest.mark.parametrize("method", REPLAYING)
def test_some_failures_are_left_out_and_told(method, calm) -> None:
    agent = FailsFarOut()
    agent.limit = limit_that_some_replays_cross(calm)
    result = pl.explain(agent, calm, method=method, seed=0, budget=BUDGET)
    told = " ".join((*result.warnings, result.reason))
    assert "lost on purpose" in told
    if result.content is not None:
        for value in vars(result.content).values():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                assert np.isfinite(value).all()


@pytest.mark.parametrize("method", REPLAYING)
def test_without_failures_nothing_is_said(method, calm) -> None:
    result = pl.explain(LinearAgent(), calm, method=method, seed=0, budget=BUDGET)
    assert result.warnings == ()
