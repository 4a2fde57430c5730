"""Formulas stand in: agents that are formulas are found again, others fail honestly."""

from functools import partial

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.model.guessing import WIDE, Follower, Guess, episodes_of

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.explainers.model.symbolic_policy import N_ROUNDS, TERMS, SymbolicPolicy


def crossed(observations):
    return (observations[:, 0] * observations[:, 1] > 0).astype(np.int64)


def scrambled(observations):
    return np.floor(observations.sum(axis=1) * 100).astype(np.int64) % 3


def explained(rule, n_actions=2):
    agent = Follower(rule, n_actions)
    episodes = episodes_of(agent, partial(Guess, rule, n_actions))
    return pl.explain(agent, episodes, method="symbolic-policy", seed=0, budget=WIDE)


def test_an_agent_that_is_a_product_is_one_term():
    result = explained(crossed)
    assert result.badge == "supported"
    content = result.content
    assert (content.form, content.n_parts) == ("formula", 1)
    assert content.terms == ("x[0]*x[1]",)
    assert "(input 0 × input 1)" in content.rules[2]
    assert result.text.startswith("A formula of length 1 can stand in: same choice in ")


def test_an_agent_that_no_formula_follows_fails_and_says_so():
    result = explained(scrambled, 3)
    assert result.badge == "failed"
    assert "This formula is **not** the agent: it earns" in result.text


def test_the_plan_counts_every_arm():
    agent = Follower(crossed, 2)
    asked = task(agent, episodes_of(agent, partial(Guess, crossed, 2)))
    assert SymbolicPolicy().plan(asked).env_steps == (2 + N_ROUNDS + len(TERMS)) * 20 * 10


def test_logs_cannot_be_stood_in_for():
    with pytest.raises(CapabilityError, match="logs without an environment"):
        SymbolicPolicy().plan(task(LinearQ(np.eye(3)), logged(3, 3)))
