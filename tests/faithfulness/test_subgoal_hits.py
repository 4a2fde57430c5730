"""Subgoal hits in the house, where it is known what every episode passes."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Graph
from pellucid.faithfulness.planted.errands import errands
from pellucid.faithfulness.subgoal_hits import hit_share, subgoal_hits
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import subgoals as graph

LINE = Graph(
    node_names=("middle",),
    occupancy=np.array([0.2]),
    transitions=np.zeros((1, 1)),
    centres=np.arange(5.0)[:, None],
    spreads=np.ones(1),
    regions=np.array([2]),
    announced=np.array([0, 0, -1, -1, -1]),
    within=np.array([2, 1, 0, 0, 0]),
    frequencies=np.ones(5),
)


@pytest.mark.parametrize(
    ("path", "cut_off", "share"),
    [
        ([0, 1, 2, 3], False, 1.0),
        ([0, 0, 1, 2, 3], False, 2 / 3),  # from the first step it takes three
        ([0, 1, 3, 4], False, 0.0),
        ([0, 0, 1, 1], True, 0.0),  # the last announcements could still come true
        ([3, 4], False, np.nan),
    ],
)
def test_shares_by_hand(path, cut_off, share):
    found = hit_share(LINE, np.array(path), LINE.regions, cut_off=cut_off)
    np.testing.assert_equal(found, share)


@pytest.fixture(scope="module")
def setting():
    return errands(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)


def score(setting, episodes, content, **more):
    (found,) = subgoal_hits(check(setting.agent, episodes, content, **more))
    return found


def test_true_subgoals_are_reached_and_places_as_often_are_not(setting, episodes):
    found = score(setting, episodes, graph(setting.truth))
    assert found.interval.n == 10
    assert found.gap.low > 0
    assert found.interval.value > 40


def test_what_is_never_passed_is_never_hit(setting, episodes):
    right = graph(setting.truth)
    # beyond the wall without the key
    never = int(np.flatnonzero((right.centres == [0, 6, 0]).all(axis=1))[0])
    wrong = replace(right, regions=np.array([never, never]))
    assert score(setting, episodes, wrong).interval.value == 0.0


def test_logs_graphs_without_subgoals_and_small_budgets_are_refused(setting, episodes):
    right = graph(setting.truth)
    with pytest.raises(CapabilityError, match="need the environment"):
        score(setting, replace(episodes, spec=None), right)
    with pytest.raises(CapabilityError, match="no subgoals"):
        score(setting, episodes, replace(right, regions=np.empty(0, np.int64)))
    everything = replace(LINE, centres=LINE.centres[:1])
    with pytest.raises(CapabilityError, match="every region"):
        score(setting, episodes, everything)
    with pytest.raises(BudgetError, match="fresh episodes"):
        score(setting, episodes, right, env_steps=30)
