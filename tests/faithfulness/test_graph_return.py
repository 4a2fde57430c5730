"""Graph return where the values are known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.explanation.graph_states import nodes_of
from pellucid.faithfulness.graph_return import graph_return
from pellucid.faithfulness.planted.quarters import quarters
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import kinds


@pytest.fixture(scope="module")
def setting():
    return quarters(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)


def test_values_that_are_off_miss_by_that_much_more(setting, episodes):
    content = kinds(setting.truth)
    nodes = nodes_of(content.conditions, episodes.visited)
    to_go = np.concatenate([np.cumsum(e.rewards[::-1])[::-1] for e in episodes.used])
    means = [to_go[nodes == node].mean() for node in range(4)]
    right = replace(content, values=np.array([*means, 0.0]))

    def missed(values):
        (score,) = graph_return(check(setting.agent, episodes, replace(right, values=values)))
        return score

    known, far = missed(right.values), missed(right.values + 100.0)
    assert far.interval.value > 90
    assert known.interval.value < 10
    assert (known.direction, known.interval.n) == ("lower", 10)
    assert far.gap.high < 0


def test_graphs_without_values_or_conditions_are_refused(setting, episodes):
    content = kinds(setting.truth)
    with pytest.raises(CapabilityError, match="no values"):
        graph_return(check(setting.agent, episodes, replace(content, values=np.empty(0))))
    with pytest.raises(CapabilityError, match="no conditions"):
        graph_return(check(setting.agent, episodes, replace(content, conditions=())))
