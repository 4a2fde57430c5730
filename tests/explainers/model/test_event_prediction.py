"""Announcements where every probability is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.model.event_prediction import EventPrediction
from pellucid.faithfulness.planted.timetables import ERROR, N_STEPS, rings_error, timetable


@pytest.fixture(scope="module")
def setting():
    return timetable(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)


def explained(setting, episodes, **options):
    return EventPrediction().explain(task(setting.agent, episodes, options=options))


def test_probabilities_are_the_known_ones(setting, episodes):
    finding = explained(setting, episodes)
    assert rings_error(finding.content, setting.truth) < ERROR
    assert finding.content.probabilities.shape[0] == 20
    assert finding.content.horizon == 5
    assert finding.complete


def test_the_time_until_a_certain_event_is_told(setting, episodes):
    options = {"episode": 0, "step": 36, "events": "end: it is over"}
    finding = explained(setting, episodes, **options)
    content = finding.content
    assert content.steps[0].tolist() == [0, 36]
    assert content.times[0, 0] == N_STEPS - 36
    # ten futures of ten, and the usual rate as one more
    assert content.probabilities[0, 0] == pytest.approx((10 + content.base_rates[0]) / 11)
    assert finding.facts["w"].text == "4 steps"
    assert finding.facts["e"].text == "it is over"


def test_the_soonest_likely_event_is_named(setting, episodes):
    content = explained(setting, episodes).content
    for state, named in enumerate(content.named):
        likely = np.flatnonzero(content.probabilities[state] >= 0.5)
        if len(likely):
            assert content.times[state, named] == content.times[state, likely].min()
        else:
            assert named == content.probabilities[state].argmax()


def test_logs_are_learned_from_and_others_are_told_of(setting):
    many = pl.collect(setting.agent, setting.spec, n_episodes=45, seed=0)
    logs = replace(many, spec=None, seed=-1)
    content = EventPrediction().explain(task(setting.agent, logs, queries=0, env_steps=0)).content
    assert not set(content.steps[:, 0]) & set(content.learned_from)
    assert len(content.learned_from) == 30
    assert rings_error(content, setting.truth) < ERROR
    result = pl.explain(setting.agent, logs, method="event-prediction", seed=0)
    assert result.badge == "supported"
    assert result.decisive.startswith("event_record")


def test_a_logged_episode_that_was_learned_from_is_not_told_of(setting, episodes):
    logs = replace(episodes, spec=None, seed=-1)
    with pytest.raises(InputError, match="episode 3 was learned from"):
        explained(setting, logs, episode=3, step=0)
    assert explained(setting, logs, episode=2, step=7).content.steps[0].tolist() == [2, 7]


def test_a_small_budget_rolls_fewer_futures_and_says_so(setting, episodes):
    unknown = replace(episodes)  # nothing was found out about their environment yet
    finding = EventPrediction().explain(task(setting.agent, unknown, env_steps=6000))
    assert not finding.complete
    assert "20 states were rolled ahead 5 times in place of 20" in finding.left_out[0]
    with pytest.raises(BudgetError, match="may take"):
        EventPrediction().explain(task(setting.agent, episodes, env_steps=20))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon": 0}, "horizon must be from 1 to 50"),
        ({"horizon": 51}, "horizon must be from 1 to 50"),
        ({"events": 3}, "must be text or a list of texts"),
        ({"events": "bell 0 rings"}, "is not INPUT > NUMBER"),
        ({"episode": 1}, "needs a step too"),
        ({"episode": 0, "step": N_STEPS}, "is not in episode 0"),
    ],
)
def test_options_out_of_range_are_refused(setting, episodes, options, words):
    with pytest.raises(InputError, match=words):
        explained(setting, episodes, **options)


def test_no_episodes_are_refused():
    with pytest.raises(DataError, match="no finished episode"):
        EventPrediction().plan(task(LinearQ(np.eye(2)), logged(2, 2, lengths=())))


def test_too_few_logs_are_refused():
    with pytest.raises(DataError, match="too few or too short"):
        EventPrediction().explain(task(LinearQ(np.eye(2)), logged(2, 2, lengths=(30, 30))))


def test_too_many_inputs_need_events_of_your_own():
    agent, logs = LinearQ(np.ones((129, 2))), logged(129, 2, lengths=(30, 40, 20))
    with pytest.raises(CapabilityError, match="no events are derived from 129 inputs"):
        EventPrediction().plan(task(agent, logs))
    options = {"events": "input 3 > 0"}
    assert len(EventPrediction().explain(task(agent, logs, options=options)).content.steps)
