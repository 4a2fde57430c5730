"""Chain prediction where every edge is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Graph
from pellucid.faithfulness.chain_prediction import chain_prediction
from pellucid.faithfulness.planted.causes import NOISE, pipes
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import causes


@pytest.fixture(scope="module")
def setting():
    return pipes(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)


def score(setting, episodes, content, **more):
    (found,) = chain_prediction(check(setting.agent, episodes, content, **more))
    return found


def test_true_edges_miss_by_the_noise_alone(setting, episodes):
    found = score(setting, episodes, causes(setting.truth))
    assert found.interval.n == 20
    assert found.gap.low > 0
    # a third of the spread of a level's change is noise, and less of that of the reward
    assert 0 < found.interval.value < NOISE


def test_no_edges_do_as_well_as_as_many_random_ones(setting, episodes):
    known = causes(setting.truth)
    bare = replace(known, effects=np.zeros_like(known.effects))
    found = score(setting, episodes, bare)
    assert found.gap.value == pytest.approx(0.0, abs=1e-12)
    assert found.interval.value > 0.5


def test_reversed_edges_miss_more_than_true_ones(setting, episodes):
    known = causes(setting.truth)
    turned = replace(known, effects=known.effects.transpose(0, 2, 1))
    true = score(setting, episodes, known).interval.value
    assert score(setting, episodes, turned).interval.value > 2 * true


def test_recorded_episodes_that_were_kept_are_enough(setting):
    logs = pl.collect(setting.agent, setting.spec, n_episodes=30, seed=0)
    logs = replace(logs, spec=None, seed=-1)
    known = replace(causes(setting.truth), learned_from=np.arange(18))
    found = score(setting, logs, known)
    assert found.interval.n == 12
    assert not found.closed_loop
    with pytest.raises(CapabilityError, match="2 recorded episodes were kept"):
        score(setting, logs, replace(known, learned_from=np.arange(28)))
    with pytest.raises(CapabilityError, match="0 recorded episodes were kept"):
        score(setting, logs, causes(setting.truth))


def test_a_small_budget_is_refused(setting, episodes):
    with pytest.raises(BudgetError, match="pays for 0 fresh episodes"):
        score(setting, episodes, causes(setting.truth), env_steps=100)


def test_graphs_of_transitions_are_refused(setting, episodes):
    with pytest.raises(CapabilityError, match="no chain of causes"):
        score(setting, episodes, Graph(("a",), np.ones(1), np.ones((1, 1))))
