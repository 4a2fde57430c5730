"""Credit gap where what each action is worth is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.faithfulness.credit_gap import credit_gap
from pellucid.faithfulness.planted.teams import field
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import contributions


@pytest.fixture(scope="module")
def setting():
    return field(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)


def credits_at(truth, step=4):
    values = truth.counterfactual
    moments = np.array([[0, step]])
    return replace(contributions(truth), values=values, total=float(values.sum()), moments=moments)


def score(setting, episodes, content):
    (found,) = credit_gap(check(setting.agent, episodes, content))
    return found


def test_true_credits_miss_by_the_noise_alone(setting, episodes):
    found = score(setting, episodes, credits_at(setting.truth))
    assert found.interval.n == 20
    assert found.interval.value < 0.15 * setting.truth.counterfactual.mean()
    assert found.gap.low > 0


def test_credits_that_are_off_by_one_miss_by_one(setting, episodes):
    known = credits_at(setting.truth)
    off = replace(known, values=known.values + 10.0)
    assert score(setting, episodes, off).interval.value == pytest.approx(10.0, rel=0.02)


def test_credits_of_no_moment_are_refused(setting, episodes):
    with pytest.raises(CapabilityError, match="at one moment"):
        score(setting, episodes, contributions(setting.truth))
