"""Reward hypotheses about agents whose reward is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.faithfulness.cases import check

from pellucid.api.collecting import collect
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.reward.reward_hypotheses import RewardHypotheses, _words
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.hypothesis_choices import hypothesis_choices
from pellucid.faithfulness.planted import crossroads
from pellucid.faithfulness.planted.drawn_inputs import agent_of


def walker(seed):
    setting = crossroads.absent_term(seed)
    return setting, collect(setting.agent, setting.spec, n_episodes=30, seed=seed)


@pytest.fixture(scope="module")
def known():
    return walker(1000)


def explained(agent, episodes, **kwargs):
    return RewardHypotheses().explain(task(agent, episodes, **kwargs))


@pytest.mark.parametrize("seed", range(2000, 2005))
def test_f37_the_absent_term_is_named_and_nothing_else(seed):
    setting, episodes = walker(seed)
    content = explained(setting.agent, episodes, seed=seed).content
    assert crossroads.named(content, setting.truth) == 1.0
    assert content.values[content.named] > 95


def test_the_finding_tells_what_the_absence_costs(known):
    setting, episodes = known
    finding = explained(setting.agent, episodes)
    content = finding.content
    assert finding.facts["h"].text == f"{setting.truth.terms[0]} were absent"
    assert finding.facts["c"].value > 0
    assert content.names[0] == "no term absent"
    assert content.names[-1] == "time, mud and toll absent"
    assert content.values.sum() == pytest.approx(content.total)
    assert (content.discount, content.term_names) == (0.99, crossroads.TERMS)
    assert content.absent.shape == (8, 3)
    assert (content.standard_errors >= 0).all()


def test_an_agent_that_acts_at_random_acts_as_if_nothing_were_paid(known):
    setting, episodes = known
    ways = np.random.default_rng(0).integers(3, size=crossroads.N_CROSSROADS)
    agent = agent_of("random walker", lambda rows: ways[rows], setting.spec)
    finding = explained(agent, episodes)
    assert finding.content.absent[finding.content.named].all()
    assert finding.facts["h"].text == "time, mud and toll were absent"
    (score,) = hypothesis_choices(check(agent, episodes, finding.content))
    assert judge(score, complete=True, rerun_possible=True).badge != "supported"


def test_what_was_believed_of_choices_in_another_order_does_not_follow_them(known):
    setting, episodes = known
    order = np.random.default_rng(1).permutation(crossroads.N_CROSSROADS)
    asked = setting.agent.act(np.arange(crossroads.N_CROSSROADS))
    shuffled = agent_of("shuffled", lambda rows: asked[order][rows], setting.spec)
    right, wrong = (explained(a, episodes).content for a in (setting.agent, shuffled))
    assert right.values[right.named] > 95
    assert wrong.values[right.named] < 50


def test_terms_are_listed_in_words():
    assert _words(np.array([False, False]), ("a", "b")) == "no term absent"
    assert _words(np.array([True, True, True]), ("a", "b", "c")) == "a, b and c absent"


def test_each_distinct_state_is_asked_for_once(known):
    setting, episodes = known
    n_states = len(np.unique(episodes.visited))
    given = task(setting.agent, episodes)
    assert RewardHypotheses().plan(given).queries == n_states
    RewardHypotheses().explain(given)
    assert given.meter.used.queries == n_states
    assert given.meter.used.env_steps == 0
    few = task(setting.agent, episodes, queries=7)
    assert RewardHypotheses().explain(few).facts["n_states"].value == 7
    with pytest.raises(BudgetError, match="at least 5 agent queries; 4 are left"):
        explained(setting.agent, episodes, queries=4)


def test_what_cannot_be_solved_is_refused_with_what_would_work(known):
    setting, episodes = known
    with pytest.raises(CapabilityError, match="logs without an environment"):
        explained(setting.agent, replace(episodes, spec=None))
    with pytest.raises(DataError, match="no visited states"):
        explained(setting.agent, replace(episodes, attempted=()))
    with pytest.raises(InputError, match="discount from 0 to below 1"):
        explained(setting.agent, episodes, options={"discount": 1.0})
    numbers = replace(logged(2, 2), spec=setting.spec)
    with pytest.raises(CapabilityError, match="no table of outcomes") as caught:
        explained(LinearQ(np.eye(2)), numbers)
    assert "reward-components" in caught.value.hint
