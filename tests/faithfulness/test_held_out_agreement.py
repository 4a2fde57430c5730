"""Held-out agreement where it is known what is right."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.agents.recorded import recorded_agent
from pellucid.agents.spaces import Spaces
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.held_out_agreement import held_out_agreement
from pellucid.faithfulness.planted.queries import known_rule
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import rules


@pytest.fixture(scope="module")
def setting():
    return known_rule(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)


@pytest.fixture
def known(setting):
    return replace(rules(setting.truth), held_out=np.arange(1, 12, 2))


def test_the_known_rule_is_right_in_every_episode_that_was_held_back(setting, episodes, known):
    asked = check(setting.agent, replace(episodes, spec=None), known)
    (score,) = held_out_agreement(asked)
    assert (score.interval.value, score.interval.n) == (100.0, 6)
    assert not score.closed_loop
    assert asked.meter.used == Cost(queries=120)


def test_an_agent_that_cannot_be_asked_is_known_by_what_it_did(setting, episodes, known):
    agent = setting.agent
    stand_in = recorded_agent("log", Spaces(agent.observation_space, agent.action_space), "0")
    asked = check(stand_in, replace(episodes, spec=None), known)
    (score,) = held_out_agreement(asked)
    assert score.interval.value == 100.0
    assert asked.meter.used == Cost()


def test_nothing_held_back_and_too_small_a_budget_are_refused(setting, episodes, known):
    with pytest.raises(CapabilityError, match="no recorded episode was held back"):
        held_out_agreement(check(setting.agent, episodes, rules(setting.truth)))
    asked = check(setting.agent, episodes, known)
    with pytest.raises(BudgetError, match="a state of each episode"):
        held_out_agreement(replace(asked, meter=Meter(Cost(4, 0))))
