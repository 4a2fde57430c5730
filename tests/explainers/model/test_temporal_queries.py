"""Temporal queries about agents in a corridor whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.rule import Rule, episodes_of, takes_the_key

import pellucid as pl
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explainers.model.temporal_queries import TemporalQueries
from pellucid.faithfulness.planted.orders import announced_error, flashes
from pellucid.kernels.predicates import PredicateError


@pytest.fixture(scope="module")
def taker():
    agent = takes_the_key()
    return agent, episodes_of(agent)


@pytest.fixture(scope="module")
def walker():
    """An agent that never takes the key."""
    agent = Rule("pellucid/KeyDoorTrap-v0", lambda s: np.tile([1.0, 0.0], (len(s), 1)))
    return agent, episodes_of(agent)


def answer(case, order=None, **options):
    if order is not None:
        options["order"] = order
    return TemporalQueries().explain(task(*case, options=options))


def told(finding):
    return dict(
        zip(finding.content.order_names, finding.content.probabilities.tolist(), strict=True)
    )


def test_the_key_is_in_reach_then_held_then_at_the_door(taker):
    finding = answer(taker, "key_in_reach then key_held then place > 0.99")
    assert finding.question.startswith("Does it do key in reach is not 0, then key held")
    assert finding.content.probabilities.tolist() == [1.0, 1.0, 1.0]
    assert finding.content.happened.all()
    # Wilson's interval of 6 in 6
    assert finding.facts["plow"].value == pytest.approx(61.0, abs=0.1)
    assert (finding.facts["fails"].text, finding.facts["repair"].text) == ("", "")


def test_the_key_is_never_held_before_it_is_in_reach(taker):
    finding = answer(taker, "key_held then key_in_reach")
    assert told(finding) == {
        "key held is not 0": 1.0,
        "key held is not 0, then key in reach is not 0": 0.0,
        "key in reach is not 0, then key held is not 0": 1.0,
    }
    # the key is at place 5 of 12, and whoever holds it has passed it
    fails = finding.facts["fails"].text
    assert "fails at key in reach is not 0, which holds where 0.4 < place" in fails
    assert "other choices could reach 0 %" in fails
    assert finding.facts["repair"].text.endswith("then key held is not 0 is done in 100 %")


def test_who_never_takes_the_key_fails_at_holding_it_though_others_could(walker):
    finding = answer(walker, "key_in_reach then key_held then place > 0.99")
    assert finding.content.probabilities.tolist() == [1.0, 0.0, 0.0]
    fails = finding.facts["fails"].text
    assert "fails at key held is not 0, which never holds (78 states)" in fails
    # random actions take the key in half of their episodes, and that is a choice
    assert "other choices could reach 100 %" in fails
    assert finding.facts["repair"].text == "; no other order of these tasks is likelier"


def test_tasks_in_any_order_are_done_where_an_order_of_them_is(taker):
    both = answer(taker, "key_held also key_in_reach then place > 0.99")
    assert both.content.probabilities.tolist() == [1.0, 1.0]


def test_one_task_alone_may_be_asked_for(walker):
    finding = answer(walker, "held", predicates=["held = key_held"])
    assert told(finding) == {"held": 0.0}
    assert finding.facts["repair"].text == ""


def test_logs_are_answered_without_what_others_could_do(walker):
    agent, episodes = walker
    finding = answer((agent, replace(episodes, spec=None)), "key_held")
    assert "other choices" not in finding.facts["fails"].text
    assert np.isnan(finding.facts["reachable"].value)


def test_asked_for_nothing_it_orders_milestones(taker):
    finding = answer(taker)
    # the key is held from step 6 on, and place passes its middle at that step too
    assert all("place" in n or "key held" in n for n in finding.content.order_names)
    assert finding.content.probabilities.tolist() == [1.0, 1.0]


def test_chances_of_lamps_are_announced_as_they_are():
    setting = flashes(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=40, seed=1000)
    content = answer((setting.agent, episodes)).content
    assert content.orders == ("x[0] > 0.5", "x[0] > 0.5 then x[1] > 0.5")
    assert announced_error(content, setting.truth) < 0.1
    assert 0.3 < content.probabilities[1] < 0.95


def test_right_announcements_are_supported(taker):
    agent = taker[0]
    episodes = episodes_of(agent, n_episodes=10)
    options = {"order": "key_held then key_in_reach"}
    result = pl.explain(agent, episodes, method="temporal-queries", seed=0, options=options)
    assert (result.badge, result.decisive) == ("supported", "order_announcements")
    assert result.faithfulness[0].interval.value == 0.0
    # shuffled among three orders and their opposites: wrong half the time
    assert result.faithfulness[0].control.interval.value == pytest.approx(0.5)


def test_too_small_a_budget_leaves_out_what_others_could_do(walker):
    agent, episodes = walker
    small = task(agent, episodes, env_steps=11, options={"order": "key_held"})
    finding = TemporalQueries().explain(small)
    assert np.isnan(finding.facts["reachable"].value)
    assert small.meter.used.env_steps == 0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"order": "key_held then plaice"}, PredicateError, "letter 15: there is no input plaice"),
        ({"order": 3}, InputError, "must be a text"),
        ({"order": "key_held", "predicates": "a"}, InputError, "list of texts"),
    ],
)
def test_orders_that_cannot_be_read_are_refused(options, error, words, taker):
    with pytest.raises(error, match=words):
        answer(taker, **options)


def test_inputs_that_never_vary_and_no_episodes_are_refused():
    agent, episodes = LinearQ(np.eye(2)), logged(2, 2, lengths=(3,))
    still = replace(episodes[0], observations=np.ones((4, 2)))
    with pytest.raises(CapabilityError, match="no input ever varies"):
        answer((agent, replace(episodes, attempted=(still,))))
    with pytest.raises(DataError, match="no finished episode"):
        answer((agent, logged(2, 2, lengths=())))
    seen = replace(episodes[0], observations=np.zeros((4, 16, 16)))
    with pytest.raises(CapabilityError, match="of an image"):
        answer((agent, replace(episodes, attempted=(seen,))))
