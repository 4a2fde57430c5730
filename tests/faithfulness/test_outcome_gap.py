"""Outcome gap in the vault, where differences are known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.outcome_gap import outcome_gap
from pellucid.faithfulness.planted.alarms import vault
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import alarms as oracle


@pytest.fixture(scope="module")
def setting():
    return vault(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)


def score(setting, episodes, content, **more):
    (found,) = outcome_gap(check(setting.agent, episodes, content, **more))
    return found


def test_a_true_difference_comes_again(setting, episodes):
    found = score(setting, episodes, oracle(setting.truth))
    assert found.gap.low > 0
    assert found.interval.n == 20
    # per outcome the variance of a difference of shares; two of three never change here
    assert found.interval.value < 0.4


def test_exchanged_arms_do_as_badly_as_right_ones_do_well(setting, episodes):
    right = oracle(setting.truth)
    found = score(setting, episodes, right)
    wrong = score(setting, episodes, replace(right, outcomes=right.outcomes[::-1]))
    assert wrong.gap.value == pytest.approx(-found.gap.value)
    assert wrong.interval.value == pytest.approx(found.control.interval.value)


def test_where_nothing_is_told_to_differ_the_control_does_as_well(setting, episodes):
    still = replace(oracle(setting.truth), outcomes=np.zeros((2, 10, 3)))
    assert score(setting, episodes, still).gap.value == 0.0


def test_the_error_of_a_certain_difference_is_told_exactly(setting, episodes):
    right = oracle(setting.truth)
    # "height above 0.2" of an input that is always above it: nothing changes, one is told to
    always = replace(
        right,
        outcome_columns=np.zeros(3, np.int64),
        outcome_bounds=np.full(3, 0.2),
        outcomes=np.stack((np.zeros((10, 3)), np.ones((10, 3)))),
    )
    found = score(setting, episodes, always)
    assert (found.interval.value, found.control.interval.value) == (1.0, 1.0)


def test_logs_and_small_budgets_are_refused(setting, episodes):
    right = oracle(setting.truth)
    with pytest.raises(CapabilityError, match="needs the environment"):
        score(setting, replace(episodes, spec=None), right)
    with pytest.raises(CapabilityError, match="no outcome was looked for"):
        score(setting, episodes, replace(right, outcome_names=()))
    score(setting, episodes, right)  # finds out how states are gone back to, which costs more
    with pytest.raises(BudgetError, match="rounds of replays"):
        score(setting, episodes, right, env_steps=30)
