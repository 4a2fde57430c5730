"""Outcome amounts in the yard, where what follows is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.outcome_amounts import of_others, outcome_amounts, per_episode
from pellucid.faithfulness.planted.ways import yard
from tests.faithfulness.cases import check


@pytest.fixture(scope="module")
def setting():
    return yard(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)


@pytest.fixture(scope="module")
def known(setting, episodes):
    """The true amounts of twelve states."""
    found = pl.explain(
        setting.agent, episodes, method="intended-outcomes", seed=0, score=False
    ).content
    return replace(found, amounts=setting.truth.amounts(found))


def scores(setting, episodes, content, **more):
    return outcome_amounts(check(setting.agent, episodes, content, **more))


def test_true_amounts_beat_those_of_other_states_and_choices(setting, episodes, known):
    states, choices, returned = scores(setting, episodes, known)
    assert [s.metric for s in (states, choices, returned)] == [
        "outcome_amounts.states",
        "outcome_amounts.choices",
        "outcome_amounts.return",
    ]
    assert states.gap.low > 0
    assert choices.gap.low > 0
    assert states.interval.n == 12
    assert (states.role, choices.role, returned.role) == ("test", "test", "supporting")


def test_amounts_that_are_off_miss_by_that_much(setting, episodes, known):
    base = scores(setting, episodes, known)[0].interval.value
    n_events = known.amounts.shape[2]
    off = replace(known, amounts=known.amounts + 100.0)
    found = scores(setting, episodes, off)[0].interval.value
    assert found == pytest.approx(100.0 * n_events, abs=base + 15)


def test_exchanged_choices_do_worse_than_true_ones_by_the_same_amount(setting, episodes, known):
    right = scores(setting, episodes, known)[1]
    wrong = scores(setting, episodes, replace(known, amounts=known.amounts[:, ::-1]))[1]
    assert wrong.gap.value == pytest.approx(-right.gap.value)


def test_a_single_choice_has_no_other_one_to_be_exchanged_with(setting, episodes, known):
    alone = replace(known, amounts=known.amounts[:, :1], choices=known.choices[:, :1],
                    returns=known.returns[:, :1])  # fmt: skip
    states, choices, _ = scores(setting, episodes, alone)
    assert states.gap.low > 0
    assert (choices.badge, choices.applicable) == ("not_measured", False)


def test_what_others_are_told_of_by_hand():
    told = np.array([[[1.0]], [[2.0]], [[4.0]]])
    assert of_others(told, told).tolist() == [2.0, 1.5, 2.5]
    assert np.isnan(of_others(told[:1], told[:1])).all()


def test_episodes_are_the_units_and_what_was_not_measured_is_left_out():
    steps = np.array([[0, 1], [0, 2], [3, 0], [5, 0]])
    found = per_episode(np.array([1.0, 3.0, 5.0, np.nan]), steps)
    assert found[:2].tolist() == [2.0, 5.0]
    assert np.isnan(found[2])


def test_logs_and_small_budgets_are_refused(setting, episodes, known):
    logs = replace(episodes, spec=None)
    with pytest.raises(CapabilityError, match="needs the environment"):
        scores(setting, logs, known)
    with pytest.raises(BudgetError, match="what was announced of 5 states"):
        scores(setting, episodes, known, env_steps=60)
