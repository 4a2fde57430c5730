"""Counterfactual credits where what each worker yields is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.reward.team_counterfactual import TeamCounterfactual
from pellucid.faithfulness.planted.teams import credits_error, field


@pytest.fixture(scope="module")
def setting():
    return field(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=3, seed=0)


def test_credits_are_half_of_what_resting_loses(setting, episodes):
    asked = task(setting.agent, episodes, options={"episode": 1, "step": 4})
    finding = TeamCounterfactual().explain(asked)
    content = finding.content
    assert content.moments.tolist() == [[1, 4]]
    assert credits_error(content, setting.truth) < 0.1
    assert finding.facts["x"].value == content.names[int(setting.truth.counterfactual.argmax())]
    assert "step 4 of episode 1" in finding.question
    idle = setting.truth.counterfactual == 0
    np.testing.assert_allclose(content.values[idle], 0.0, atol=1e-9)


def test_without_a_step_the_moment_is_searched_for(setting, episodes):
    finding = TeamCounterfactual().explain(task(setting.agent, episodes))
    assert len(finding.content.moments) == 1
    assert credits_error(finding.content, setting.truth) < 0.1


def test_what_cannot_be_told_is_refused_with_what_would_work(setting, episodes):
    with pytest.raises(CapabilityError, match="is one agent"):
        TeamCounterfactual().plan(task(LinearQ(np.eye(2)), logged(2, 2)))
    with pytest.raises(CapabilityError, match="logs without one"):
        TeamCounterfactual().plan(task(setting.agent, replace(episodes, spec=None)))
    few = task(setting.agent, episodes, env_steps=30, options={"step": 4})
    with pytest.raises(BudgetError, match="5 futures of every joint action"):
        TeamCounterfactual().explain(few)
