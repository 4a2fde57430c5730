"""Sums stand in: additive agents are followed, and interaction is told apart."""

from functools import partial

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.model.guessing import WIDE, Follower, Guess, episodes_of

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.explainers.model.additive_model import BENDS, N_ROUNDS, AdditiveModel
from pellucid.explanation.programs import program_of
from pellucid.kernels.programs import outputs_of


def curved(observations):
    return (np.abs(observations[:, 0]) + observations[:, 1] > 0.4).astype(np.int64)


def crossed(observations):
    """Nothing but interaction: alone, each input says nothing."""
    return (observations[:, 0] * observations[:, 1] > 0).astype(np.int64)


def explained(rule, n_actions=2):
    agent = Follower(rule, n_actions)
    episodes = episodes_of(agent, partial(Guess, rule, n_actions))
    return pl.explain(agent, episodes, method="additive-model", seed=0, budget=WIDE)


def test_an_additive_agent_is_followed_by_bent_lines():
    result = explained(curved)
    assert result.badge in ("supported", "weak")
    content = result.content
    assert content.form == "formula"
    assert content.n_parts > 3
    rows = np.random.default_rng(0).uniform(-1, 1, (2_000, 3))
    assert (outputs_of(program_of(content), rows).argmax(axis=1) == curved(rows)).mean() > 0.9


def test_interaction_fails_and_is_left_over():
    result = explained(crossed)
    assert result.badge == "failed"
    assert "A sum of single inputs is **not** the agent" in result.text
    assert result.facts["e"].value == pytest.approx(100.0, abs=15.0)


def test_the_plan_counts_every_arm():
    agent = Follower(curved, 2)
    asked = task(agent, episodes_of(agent, partial(Guess, curved, 2)))
    assert AdditiveModel().plan(asked).env_steps == (2 + N_ROUNDS + len(BENDS)) * 20 * 10


def test_logs_cannot_be_stood_in_for():
    with pytest.raises(CapabilityError, match="logs without an environment"):
        AdditiveModel().plan(task(LinearQ(np.eye(3)), logged(3, 3)))
