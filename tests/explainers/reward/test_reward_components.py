"""Reward components where what every term pays is known."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box
from tests.explainers.cases import LinearQ, logged

import pellucid as pl
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.reward import reward_components as module
from pellucid.explainers.reward.reward_components import RewardComponents
from pellucid.explanation import Task
from pellucid.faithfulness.planted import components as planted
from pellucid.faithfulness.planted.components import depot


@pytest.fixture(scope="module")
def setting():
    return depot(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)


def task(setting, episodes, *, budget=10**6, **options):
    meter = Meter(Cost(budget, budget))
    return Task(MeteredAgent(setting.agent, meter), episodes, meter, options=options)


def test_differences_are_those_of_the_payments(setting, episodes):
    finding = RewardComponents().explain(task(setting, episodes))
    content = finding.content
    assert content.component_names == planted.TERMS
    assert content.values.shape == (20, 3, 4)
    assert planted.differences_error(content, setting.truth) < 0.15
    assert planted.reasons_named(content, setting.truth) >= 0.9
    np.testing.assert_allclose(content.values.sum(axis=2), content.whole, atol=1e-9)
    assert finding.identity_error < 1e-9
    assert finding.complete
    for state, (episode, step) in enumerate(content.steps):
        assert content.chosen[state] == episodes[int(episode)].actions[step]


def test_a_step_that_was_asked_for_is_the_one_told(setting, episodes):
    finding = RewardComponents().explain(task(setting, episodes, episode=3, step=7))
    assert finding.content.steps[0].tolist() == [3, 7]
    assert finding.facts["t"].value == 7
    assert "at step 7 of episode 3" in finding.question
    own, rival = finding.content.chosen[0], finding.content.rivals[0]
    true = setting.truth.paid[7 % planted.N_KINDS]
    expected = (true[own] - true[rival]) * [1, 1, 1, 0.99**planted.DELAY]
    assert finding.facts["x"].value == pytest.approx(expected.sum(), rel=0.3)


def test_fitted_values_take_over_after_so_many_steps(setting, episodes, monkeypatch):
    monkeypatch.setattr(module, "SIZES", ((20, 1),))
    finding = RewardComponents().explain(task(setting, episodes))
    content = finding.content
    assert any("fitted values take over" in sentence for sentence in finding.left_out)
    # the value of the state reached knows nothing of what is owed: the last term is missed
    told, true = planted.told_differences(content), setting.truth.differences(content)
    np.testing.assert_allclose(told[:, :3], true[:, :3], atol=1.5)
    np.testing.assert_allclose(content.values.sum(axis=2), content.whole, atol=1e-6)


def test_terms_that_miss_the_reward_break_the_identity(setting, episodes):
    wrong = pl.collect(
        setting.agent,
        replace(setting.spec, wrappers=("tests.explainers.reward.wrong:HalfFare",)),
        n_episodes=10,
        seed=0,
    )
    result = pl.explain(setting.agent, wrong, method="reward-components", seed=0)
    assert result.badge == "failed"
    assert "do not add up" in result.reason
    assert result.facts["e"].value > 0.1


def test_what_cannot_be_told_is_refused_with_what_would_work(setting, episodes):
    def refused(episodes, agent=None):
        asked = task(setting, episodes)
        asked = asked if agent is None else replace(asked, agent=agent)
        with pytest.raises(CapabilityError) as raised:
            RewardComponents().explain(asked)
        return f"{raised.value} {raised.value.hint}"

    assert "reward-when" in refused(replace(episodes, spec=None))
    bare = [replace(e, terms={}) for e in episodes.attempted]
    assert "--reward-terms" in refused(replace(episodes, attempted=tuple(bare)))
    gaps = [replace(e, terms={**e.terms, "fuel": e.terms["fuel"] * np.nan}) for e in episodes.used]
    assert "fuel is unknown" in refused(replace(episodes, attempted=tuple(gaps)))
    continuous = LinearQ(np.eye(4))
    continuous.action_space = Box(-1.0, 1.0, (2,))
    assert "why-not" in refused(episodes, continuous)


def test_a_budget_that_is_too_small_names_what_is_needed(setting, episodes):
    with pytest.raises(BudgetError, match="environment steps and agent queries; 10 are left"):
        RewardComponents().plan(task(setting, episodes, budget=10))


@pytest.mark.parametrize("discount", [0, 1.5, "x", True, float("nan")])
def test_a_discount_outside_its_range_is_refused(discount, setting, episodes):
    with pytest.raises(InputError, match="discount must be above 0"):
        RewardComponents().explain(task(setting, episodes, discount=discount))


def test_an_episode_needs_its_step(setting, episodes):
    with pytest.raises(InputError, match="needs a step"):
        RewardComponents().plan(task(setting, episodes, episode=1))


def test_logs_have_no_environment():
    episodes = logged(2, 2)
    meter = Meter(Cost(100, 100))
    asked = Task(MeteredAgent(LinearQ(np.eye(2)), meter), episodes, meter)
    with pytest.raises(CapabilityError, match="logs without one"):
        RewardComponents().plan(asked)
