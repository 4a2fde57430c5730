"""Event skill where every probability is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Prediction
from pellucid.faithfulness.event_skill import event_skill
from pellucid.faithfulness.planted.timetables import timetable
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import announcements


@pytest.fixture(scope="module")
def setting():
    return timetable(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)


def scores(setting, episodes, content, **more):
    return event_skill(check(setting.agent, episodes, content, **more))


def test_true_probabilities_miss_by_their_own_chance_alone(setting, episodes):
    known = announcements(setting.truth)
    usual, others = scores(setting, episodes, known)
    chance = float((known.probabilities * (1 - known.probabilities)).mean())
    assert usual.interval.value == pytest.approx(chance, abs=0.05)
    assert usual.interval.n == 10
    assert usual.gap.value > 0
    assert others.gap.low > 0


def test_usual_rates_do_exactly_as_well_as_their_control(setting, episodes):
    known = announcements(setting.truth)
    same = replace(known, probabilities=np.tile(known.base_rates, (len(known.steps), 1)))
    usual, others = scores(setting, episodes, same)
    assert usual.gap.value == 0
    assert others.gap.value == pytest.approx(0, abs=1e-12)


def test_the_opposite_of_the_truth_misses_more(setting, episodes):
    known = announcements(setting.truth)
    turned = replace(known, probabilities=1 - known.probabilities)
    assert scores(setting, episodes, turned)[0].gap.high < 0


def test_what_is_no_change_of_the_state_is_refused(setting, episodes):
    plain = Prediction(("rain",), np.array([[0.5]]), np.array([[True]]))
    with pytest.raises(CapabilityError, match="which changes of the state"):
        scores(setting, episodes, plain)


def test_logs_are_refused(setting, episodes):
    with pytest.raises(CapabilityError, match="logs without one"):
        scores(setting, replace(episodes, spec=None), announcements(setting.truth))


def test_a_small_budget_is_refused(setting, episodes):
    with pytest.raises(BudgetError, match="futures of 5 states"):
        scores(setting, episodes, announcements(setting.truth), queries=10)
