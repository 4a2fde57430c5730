"""Component gap where the differences between two actions are known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.component_gap import component_gap
from pellucid.faithfulness.planted.components import depot, paydays
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import parts, spans


@pytest.fixture(scope="module")
def setting():
    return depot(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=3, seed=0)


def score(setting, episodes, content, **budget):
    (found,) = component_gap(check(setting.agent, episodes, content, **budget))
    return found


def test_true_differences_miss_by_the_noise_alone(setting, episodes):
    found = score(setting, episodes, parts(setting.truth))
    assert found.interval.n == 20
    # noise of a tenth of differences of about 4, over 5 futures
    assert found.interval.value < 0.4
    assert found.gap.low > 0
    assert found.control.interval.value > 2
    assert found.complete


def test_differences_that_are_off_by_one_miss_by_one(setting, episodes):
    known = parts(setting.truth)
    off = replace(known, values=known.values + np.where(known.values != 0, 100.0, 0.0))
    assert score(setting, episodes, off).interval.value > 90


def test_permuted_differences_do_no_better_than_their_control(setting, episodes):
    known = parts(setting.truth)
    turned = replace(known, values=np.roll(known.values, 1, axis=2))
    assert score(setting, episodes, turned).gap.value <= 0


def test_a_budget_for_few_states_scores_those_and_says_so(setting, episodes):
    found = score(setting, episodes, parts(setting.truth), env_steps=2_000)
    assert found.interval.n >= 5
    few = score(setting, episodes, parts(setting.truth), env_steps=700)
    assert (few.complete, few.interval.n_unscored > 0) == (False, True)
    with pytest.raises(BudgetError, match="5 are needed"):
        score(setting, episodes, parts(setting.truth), env_steps=100)


def test_what_it_cannot_score_is_refused(setting, episodes):
    def refused(content, episodes=episodes):
        with pytest.raises(CapabilityError) as raised:
            score(setting, episodes, content)
        return str(raised.value)

    known = parts(setting.truth)
    assert "which choices" in refused(spans(paydays(0).truth))
    assert "which states" in refused(replace(known, steps=np.empty((0, 2), np.int64)))
    single = replace(known, values=known.values[:, :, :1], component_names=("fare",))
    assert "single component" in refused(single)
    assert "logs without one" in refused(known, replace(episodes, spec=None))
