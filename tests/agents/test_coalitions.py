"""Teams of which some members stand idle or do something else."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

from pellucid.agents.coalitions import (
    Standing,
    alternatives,
    coalition,
    idle_action,
    members_of,
    with_members,
)
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.planted.teams import field
from pellucid.types import Categorical
from tests.explainers.cases import LinearQ

SEEN = np.zeros((3, 1), np.float32)


def meter(queries=1000):
    return Meter(Cost(queries, 0))


class Undecided:
    """Works with a known probability."""

    name = "undecided"
    framework = "test"
    observation_space = Box(0.0, 1.0, (1,), np.float32)
    action_space = Discrete(2)
    capabilities = frozenset({"distribution", "sampling"})

    def __init__(self, chance):
        self.chance = chance

    def act(self, observations):
        return np.full(len(observations), int(self.chance > 0.5))

    def distribution(self, observations):
        return Categorical(np.tile([1 - self.chance, self.chance], (len(observations), 1)))


@pytest.fixture
def team():
    return field(0).agent


@pytest.mark.parametrize(
    ("present", "joint"), [((1, 1, 1, 1), 15), ((0, 0, 0, 0), 0), ((1, 0, 0, 1), 9)]
)
def test_members_that_are_not_present_do_nothing(team, present, joint):
    acting = coalition(team, np.array(present, dtype=bool))
    assert acting.act(SEEN).tolist() == [joint] * 3
    assert team.act(SEEN).tolist() == [15] * 3  # the team itself is left as it was


def test_alternatives_change_one_member_at_a_time(team):
    found = alternatives(team, SEEN[0], meter())
    assert sorted(found.actions.tolist()) == [7, 11, 13, 14, 15]
    assert found.actions[0] == 15
    np.testing.assert_array_equal(found.weights[:, 0], 0.5)
    np.testing.assert_array_equal(found.weights.sum(axis=1), 1.0)


def test_credits_are_the_lead_over_the_average_action(team):
    found = alternatives(team, SEEN[0], meter())
    paid = {15: 10.0, 14: 4.0, 13: 10.0, 11: 8.0, 7: 12.0}
    returns = np.array([[paid[int(action)] for action in found.actions]])
    assert found.credits(returns).tolist() == [[3.0, 0.0, 1.0, -1.0]]


def test_probabilities_that_the_team_tells_are_the_weights(team):
    chances = (0.9, 0.2, 0.5, 1.0)
    names = list(team.agents)
    members = {n: Undecided(c) for n, c in zip(names, chances, strict=True)}
    found = alternatives(with_members(team, members), SEEN[0], meter())
    own = int(found.actions[0])
    assert own == 0b1001
    # the weight of the own action is the probability of what each member does
    np.testing.assert_allclose(found.weights[:, 0], [0.9, 0.8, 0.5, 1.0])
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0)


def test_what_is_asked_is_paid_for(team):
    paid = meter()
    alternatives(team, SEEN[0], paid)
    assert paid.used.queries == 9  # its own joint action, and both of each of four members
    with pytest.raises(BudgetError):
        alternatives(team, SEEN[0], meter(3))


@pytest.mark.parametrize(
    ("space", "idle"),
    [
        (Discrete(3, start=2), 2),
        (MultiDiscrete([2, 3]), [0, 0]),
        (MultiBinary(2), [0, 0]),
        (Box(-1.0, 1.0, (2,)), [0.0, 0.0]),
        (Box(0.5, 1.0, (1,)), [0.5]),
    ],
)
def test_doing_nothing_is_an_action_of_the_space(space, idle):
    agent = LinearQ(np.eye(2))
    agent.action_space = space
    action = idle_action(agent)
    assert action.tolist() == idle
    assert Standing(agent, action).act(np.zeros((2, 2))).tolist() == [idle, idle]


def test_what_is_no_team_is_refused_with_what_would_work(team):
    one = LinearQ(np.eye(2))
    with pytest.raises(CapabilityError, match="is one agent") as raised:
        members_of(one)
    assert "critical-steps" in str(raised.value.hint)
    first = dict(list(team.agents.items())[:1])
    with pytest.raises(CapabilityError, match="single member"):
        members_of(replace(team, agents=first))
    strange = LinearQ(np.eye(2))
    strange.action_space = Dict({"a": Discrete(2)})
    with pytest.raises(CapabilityError, match="none of which is doing nothing"):
        idle_action(strange)
    strange.action_space = Box(-1.0, 1.0, (1,))
    with pytest.raises(CapabilityError, match="no list of other actions") as raised:
        alternatives(with_members(team, {"worker 0": strange}), SEEN[0], meter())
    assert "team-shapley" in str(raised.value.hint)
    many = LinearQ(np.eye(2))
    many.action_space = gymnasium.spaces.Discrete(1000)
    with pytest.raises(CapabilityError, match="other joint actions"):
        alternatives(with_members(team, {"worker 0": many}), SEEN[0], meter())


def test_a_metered_team_is_looked_through(team):
    assert members_of(MeteredAgent(team, meter())) == team.agents
