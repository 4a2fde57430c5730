"""Policy graphs of agents whose kinds of states are known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.rule import Rule, episodes_of

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.summary.policy_graph import PolicyGraph
from pellucid.explanation.graph_states import nodes_of
from pellucid.faithfulness.planted.quarters import alike, move_error, quarters


@pytest.fixture(scope="module")
def setting():
    return quarters(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=12, seed=1000)


@pytest.fixture(scope="module")
def graph(setting, episodes):
    return PolicyGraph().explain(task(setting.agent, episodes)).content


def test_the_four_rooms_and_their_moves_are_found(graph, setting):
    assert len(graph.conditions) == 4
    assert alike(graph, setting.truth) == 1.0
    assert move_error(graph, setting.truth) < 0.1
    assert graph.node_names[-1] == "the end"


def test_shares_add_up_and_nothing_leaves_the_end(graph, episodes):
    np.testing.assert_allclose(graph.transitions.sum(axis=1), 1.0)
    assert graph.transitions[-1].tolist() == [0.0] * 4 + [1.0]
    assert graph.occupancy.sum() == pytest.approx(1.0)
    assert graph.occupancy[-1] == 0.0
    nodes = nodes_of(graph.conditions, episodes.visited)
    np.testing.assert_allclose(np.bincount(nodes, minlength=5) / len(nodes), graph.occupancy)


def test_values_are_what_is_earned_from_a_kind_on(graph, episodes):
    nodes = nodes_of(graph.conditions, episodes.visited)
    to_go = np.concatenate([np.cumsum(e.rewards[::-1])[::-1] for e in episodes.used])
    for node in range(4):
        assert graph.values[node] == pytest.approx(to_go[nodes == node].mean())


def test_nodes_are_named_by_what_tells_them_apart(graph):
    assert len(set(graph.node_names)) == 5
    for name in graph.node_names[:4]:
        assert "input 0" in name
        assert "input 1" in name
        assert "input 2" not in name


def test_the_number_of_nodes_may_be_asked_for(setting, episodes):
    asked = task(setting.agent, episodes, options={"nodes": 2})
    assert len(PolicyGraph().explain(asked).content.conditions) == 2


def test_an_episode_that_fails_ends_elsewhere_and_the_way_there_is_told():
    # takes the key at random: half of the episodes earn 10, the others -10
    agent = Rule("pellucid/KeyDoorTrap-v0", lambda s: np.stack((0.5 - s[:, 1], s[:, 1]), axis=1))
    good, bad = (
        episodes_of(a, n_episodes=4)
        for a in (agent, Rule(agent.env, lambda s: np.tile([1.0, 0.0], (len(s), 1))))
    )
    both = replace(good, attempted=(*good.attempted, *bad.attempted))
    finding = PolicyGraph().explain(task(agent, both))
    graph = finding.content
    assert graph.limits.tolist() == [0.0]
    names = ("an end with about -10 points", "an end with about 10 points")
    assert graph.node_names[-2:] == names
    assert graph.way[-1] == len(graph.conditions)
    assert finding.facts["worse"].value == 50.0
    assert "50 % of episodes come to an end with about -10 points" in finding.facts["way"].text


def test_the_graph_is_supported_and_drawn(setting, episodes):
    result = pl.explain(setting.agent, episodes, method="policy-graph", seed=0)
    assert (result.badge, result.decisive) == ("supported", "graph_prediction")
    measured = {s.metric for s in result.faithfulness if s.applicable}
    assert measured == {"graph_prediction", "graph_return"}
    assert result.plot().axes


def test_a_small_budget_uses_whole_episodes(setting, episodes):
    small = task(setting.agent, episodes, queries=95)
    finding = PolicyGraph().explain(small)
    assert small.meter.used.queries == 90
    assert "9 of 12 episodes are not used" in finding.left_out[0]
    with pytest.raises(BudgetError, match="2 episodes take 60 agent queries; 59 are left"):
        PolicyGraph().plan(task(setting.agent, episodes, queries=59))


def test_what_cannot_be_summed_up_is_refused(setting, episodes):
    with pytest.raises(InputError, match="nodes must be from 2 to 8"):
        PolicyGraph().plan(task(setting.agent, episodes, options={"nodes": 9}))
    agent = LinearQ(np.eye(2))
    with pytest.raises(DataError, match="no visited states"):
        PolicyGraph().plan(task(agent, logged(2, 2, lengths=())))
    one = logged(2, 2, lengths=(3, 4))
    still = [replace(e, observations=np.ones_like(e.observations)) for e in one.attempted]
    with pytest.raises(CapabilityError, match="all of 7 visited states are alike"):
        PolicyGraph().explain(task(agent, replace(one, attempted=tuple(still))))
    seen = replace(one[0], observations=np.zeros((4, 16, 16)))
    with pytest.raises(CapabilityError, match="of an image"):
        PolicyGraph().plan(task(agent, replace(one, attempted=(seen,))))
