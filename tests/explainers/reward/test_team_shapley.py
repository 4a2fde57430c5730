"""Shapley credits where what each worker yields is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explainers.reward import team_shapley as module
from pellucid.explainers.reward.team_shapley import TeamShapley
from pellucid.faithfulness.planted.teams import credits_error, field

LONGEST = 1000
"""Steps after which an episode of the field would be cut off."""


@pytest.fixture(scope="module")
def setting():
    return field(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=5, seed=0)


def test_credits_are_yields_and_half_of_the_bonus(setting, episodes):
    finding = TeamShapley().explain(task(setting.agent, episodes))
    content = finding.content
    assert content.names == ("worker 0", "worker 1", "worker 2", "worker 3")
    assert credits_error(content, setting.truth) < 0.05
    errors = np.abs(content.values - setting.truth.shapley)
    assert (errors <= 4 * content.standard_errors + 1e-12).all()
    assert content.values[setting.truth.yields == 0][0] >= 0
    assert content.values.sum() == pytest.approx(content.total)
    assert finding.identity_error < 1e-12
    assert finding.complete


def test_chains_give_the_same_credits_where_pairs_interact(setting, episodes, monkeypatch):
    monkeypatch.setattr(module, "MOST_EVERY", 3)
    monkeypatch.setattr(module, "ALWAYS_EVERY", 3)
    finding = TeamShapley().explain(task(setting.agent, episodes))
    assert credits_error(finding.content, setting.truth) < 0.05
    assert "not every coalition is run" in finding.left_out[0]


def test_fewer_episodes_where_the_budget_is_small(setting, episodes):
    finding = TeamShapley().explain(task(setting.agent, episodes, env_steps=LONGEST + 1_000))
    assert finding.facts["n_episodes"].value == 6  # of 16 coalitions of 10 steps
    assert "6 episodes were run of 20" in finding.left_out[0]


def test_what_cannot_be_told_is_refused_with_what_would_work(setting, episodes):
    with pytest.raises(CapabilityError, match="is one agent"):
        TeamShapley().plan(task(LinearQ(np.eye(2)), logged(2, 2)))
    with pytest.raises(CapabilityError, match="logs without one"):
        TeamShapley().plan(task(setting.agent, replace(episodes, spec=None)))
    with pytest.raises(BudgetError, match="need about 800 environment steps"):
        TeamShapley().plan(task(setting.agent, episodes, env_steps=LONGEST + 799))
    with pytest.raises(DataError, match="no finished episode"):
        TeamShapley().plan(task(setting.agent, replace(episodes, attempted=())))
