"""Event record: what did happen after the told states."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.faithfulness.event_record import event_record
from pellucid.faithfulness.planted.timetables import timetable
from pellucid.kernels.events import Events, times_until
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import announcements


@pytest.fixture(scope="module")
def setting():
    return timetable(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)


def scores(setting, episodes, content):
    return event_record(check(setting.agent, episodes, content, queries=0, env_steps=0))


def recorded(setting, episodes):
    """What did happen, announced as certain."""
    known = announcements(setting.truth)
    events = Events(known.columns, known.bounds, np.where(known.above, 1, -1))
    times = times_until(episodes[0].observations.astype(float), True, events)
    told = (times[known.steps[:, 1]] <= known.horizon).astype(float)
    return replace(known, probabilities=told)


def test_what_did_happen_misses_by_nothing(setting, episodes):
    usual, others = scores(setting, episodes, recorded(setting, episodes))
    assert usual.interval.value == 0
    assert usual.gap.low > 0
    assert others.gap.low > 0


def test_what_did_not_happen_misses_by_everything(setting, episodes):
    known = recorded(setting, episodes)
    turned = replace(known, probabilities=1 - known.probabilities)
    assert scores(setting, episodes, turned)[0].interval.value == 1


def test_states_that_were_learned_from_are_left_out(setting, episodes):
    known = announcements(setting.truth)
    steps = known.steps.copy()
    steps[:6, 0] = 1
    half = replace(known, steps=steps, learned_from=np.array([0]))
    assert scores(setting, episodes, half)[0].interval.n == 6
    with pytest.raises(CapabilityError, match="known or not recorded"):
        scores(setting, episodes, replace(known, learned_from=np.array([0])))
