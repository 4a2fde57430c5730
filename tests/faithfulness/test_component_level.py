"""Component level where it is known what arrives when."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.faithfulness.component_level import component_level
from pellucid.faithfulness.planted.components import depot, paydays
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import parts, spans


@pytest.fixture(scope="module")
def setting():
    return paydays(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)


def score(setting, episodes, content):
    (found,) = component_level(check(setting.agent, episodes, content))
    return found


def test_true_parts_miss_by_the_noise_alone(setting, episodes):
    found = score(setting, episodes, spans(setting.truth))
    assert found.interval.n == 20
    assert found.interval.value < 0.2
    assert found.gap.low > 0


def test_parts_that_are_off_miss_by_that_much(setting, episodes):
    known = spans(setting.truth)
    off = replace(known, values=known.values + 10.0)
    assert score(setting, episodes, off).interval.value == pytest.approx(10.0, abs=0.2)


def test_parts_that_are_alike_cannot_be_told_from_their_permutation(setting, episodes):
    flat = replace(spans(setting.truth), values=np.ones((20, 1, 5)))
    found = score(setting, episodes, flat)
    assert found.gap.value == pytest.approx(0.0, abs=1e-12)


def test_parts_of_actions_are_refused(setting, episodes):
    with pytest.raises(CapabilityError, match="one output"):
        score(setting, episodes, parts(depot(0).truth))
