"""The best trees stand in: agents that are trees are found again, others fail honestly."""

import importlib.util
import sys
from functools import partial

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.model.guessing import (
    WIDE,
    Follow,
    Follower,
    Guess,
    Halfway,
    episodes_of,
)

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.explainers.model.optimal_tree import LEAVES, N_ROUNDS, OptimalTree

needs_solver = pytest.mark.skipif(
    importlib.util.find_spec("pystreed") is None,
    reason="pystreed is not installed",
)


def four_corners(observations):
    """Greedy growth cannot start it: no single question tells the choices apart."""
    return ((observations[:, 0] > 0) ^ (observations[:, 1] > 0)).astype(np.int64)


def scrambled(observations):
    return np.floor(observations.sum(axis=1) * 100).astype(np.int64) % 3


def explained(rule, n_actions=2):
    agent = Follower(rule, n_actions)
    episodes = episodes_of(agent, partial(Guess, rule, n_actions))
    return pl.explain(agent, episodes, method="optimal-tree", seed=0, budget=WIDE)


@needs_solver
def test_what_greedy_growth_cannot_start_is_found_at_its_size():
    result = explained(four_corners)
    assert result.badge in ("supported", "weak")
    assert result.content.n_parts == 4
    assert set(result.content.features[result.content.features >= 0]) == {0, 1}
    assert not result.warnings


@needs_solver
def test_an_agent_that_no_small_tree_follows_fails_and_says_so():
    result = explained(scrambled, 3)
    assert result.badge == "failed"
    assert "Even the best tree of" in result.text


@needs_solver
def test_the_plan_counts_every_arm():
    agent = Follower(four_corners, 2)
    asked = task(agent, episodes_of(agent, partial(Guess, four_corners, 2)))
    assert OptimalTree().plan(asked).env_steps == (2 + N_ROUNDS + len(LEAVES)) * 20 * 10


def test_continuous_actions_are_refused_with_what_would_do():
    agent = Halfway()
    with pytest.raises(CapabilityError, match="costs are of single choices") as refused:
        OptimalTree().plan(task(agent, episodes_of(agent, Follow)))
    assert "linear-model-tree" in refused.value.hint


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pystreed", None)
    agent = Follower(four_corners, 2)
    with pytest.raises(CapabilityError, match="package pystreed is needed") as refused:
        OptimalTree().plan(task(agent, episodes_of(agent, partial(Guess, four_corners, 2))))
    assert "pellucid[trees]" in refused.value.hint
    assert "viper-tree" in refused.value.hint


def test_logs_cannot_be_stood_in_for():
    with pytest.raises(CapabilityError, match="logs without an environment"):
        OptimalTree().plan(task(LinearQ(np.eye(3)), logged(3, 3)))
