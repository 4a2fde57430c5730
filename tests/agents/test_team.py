"""Teams: loaded, stored, and as one agent."""

import copy
import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from torch import nn

from pellucid.agents import load_agent
from pellucid.agents.joint import JointAgent
from pellucid.agents.spaces import Spaces
from pellucid.agents.team import (
    Others,
    TeamFactory,
    card_env,
    is_team,
    load_team,
    save_team,
)
from pellucid.envs.team_views import Seen
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.types import Context
from tests.envs.parallel_toy import TEAM, by_time, two

ENV = "tests.envs.parallel_toy:make"
TURNS = "tests.envs.turns_toy:make"
PLACE: Any = SimpleNamespace(
    observation_space=Box(-1.0, 10.0, (2,), np.float32), action_space=Discrete(3)
)


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 3))


def test_each_member_has_its_own_agent_or_that_of_all_others() -> None:
    team = load_team(TEAM, ENV)
    assert list(team.agents) == ["early", "steady", "late"]
    rows = np.zeros((1, 2), np.float32)
    assert [int(a.act(rows)[0]) for a in team.agents.values()] == [2, 1, 1]
    imported = load_team("tests.envs.parallel_toy:TEAM", ENV)
    assert imported.source == "tests.envs.parallel_toy:TEAM"


def test_an_object_with_agents_is_a_team() -> None:
    team = SimpleNamespace(agents={"*": two}, name="twos")
    assert is_team(team)
    assert load_team(team, ENV).name == "twos"
    assert not is_team(load_agent(two, env=PLACE))


def test_a_stored_team_answers_alike(tmp_path: Path) -> None:
    team = load_team({"early": network(0), "*": network(1)}, ENV)
    save_team(team, ENV, tmp_path)
    assert is_team(tmp_path)
    assert card_env(tmp_path) == ENV
    again = load_team(tmp_path, ENV)
    rows = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    for member, agent in team.agents.items():
        np.testing.assert_array_equal(again.agents[member].act(rows), agent.act(rows))
    assert again.sha256 != load_team({"*": network(1)}, ENV).sha256


def test_a_card_may_name_files_beside_it(tmp_path: Path) -> None:
    save_team(load_team({"*": network(1)}, ENV), ENV, tmp_path / "stored")
    card = {"kind": "team", "agents": {"*": "stored/members/0-early"}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert len(load_team(tmp_path, ENV).agents) == 3


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        ({"*": "../elsewhere"}, "beside the card"),
        ({"*": "/etc/passwd"}, "beside the card"),
        ({"*": 5}, "beside the card"),
        ({}, "1 to 100 members"),
        ([1], "1 to 100 members"),
    ],
)
def test_cards_that_lead_elsewhere_are_refused(tmp_path: Path, agents: Any, message: str) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"kind": "team", "agents": agents}))
    with pytest.raises(DataError, match=message):
        load_team(tmp_path, ENV)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"early": two}, "no agent for 'steady'; the members in .* are early, steady, late"),
        ({"*": two, "erly": two}, "an agent 'erly'"),
        ("tests.envs.parallel_toy:raises", "no team today"),
        ("tests.envs.parallel_toy:LENGTH", "is not callable|no team"),
        (SimpleNamespace(agents={}), "is no team"),
    ],
)
def test_teams_that_do_not_fit_are_refused(source: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_team(source, ENV)


# --- as one agent ---


def joint(members: dict[str, Any]) -> JointAgent:
    team = load_team(members, ENV)
    made = TeamFactory(ENV, team.agents)()
    return JointAgent("joint", team.agents, Spaces(made.observation_space, made.action_space))


def test_the_team_acts_as_its_members_do_on_their_parts() -> None:
    agent = joint(TEAM)
    # early always 2; steady at time 1 chooses 1; late at time 7 chooses 2
    row = np.array([[1, 0, 0, 1, 1, 1, 1, 7, 2]], np.float32)
    assert agent.act(row) == [2 * 9 + 1 * 3 + 2]
    assert agent.capabilities == frozenset()
    with pytest.raises(CapabilityError):
        agent.distribution(row)


def test_joint_probabilities_are_products() -> None:
    agent = joint({"early": network(0), "steady": network(1), "late": network(2)})
    rows = np.random.default_rng(0).normal(size=(4, 9)).astype(np.float32)
    told = agent.distribution(rows).probabilities
    assert told.shape == (4, 27)
    parts = [
        member.distribution(rows[:, 3 * i + 1 : 3 * i + 3]).probabilities  # type: ignore[attr-defined]
        for i, member in enumerate(agent.agents.values())
    ]
    for k in range(27):
        a, b, c = np.unravel_index(k, (3, 3, 3))
        np.testing.assert_allclose(told[:, k], parts[0][:, a] * parts[1][:, b] * parts[2][:, c])
    np.testing.assert_array_equal(agent.act(rows), told.argmax(axis=1))
    drawn = agent.sample(rows, [np.random.default_rng(i) for i in range(4)])
    assert agent.action_space.contains(drawn[0])
    assert agent.n_parameters == 27


def test_a_shared_agent_counts_once() -> None:
    shared = load_agent(network(0), env=PLACE)
    assert joint({"*": shared}).n_parameters == 9


# --- the others ---


def test_others_are_not_copied_and_can_be_sent_to_a_process() -> None:
    others = Others(load_team({"*": by_time}, ENV).agents, "greedy")
    assert copy.deepcopy(others) is others
    again = pickle.loads(pickle.dumps(others))
    seen = {"early": Seen(np.array([5.0, 0.0]))}
    assert again(seen, np.random.default_rng(0), {}) == {"early": 2}


def test_others_draw_their_actions_if_asked_to() -> None:
    agents = load_team({"*": network(0)}, ENV).agents
    seen = {"early": Seen(np.zeros(2, np.float32))}

    def choices(policy: Any) -> set[int]:
        others = Others(agents, policy)
        return {others(seen, np.random.default_rng(i), {})["early"] for i in range(40)}

    assert len(choices("sampled")) > 1
    assert len(choices("greedy")) == 1


def test_the_factory_makes_views_of_members_and_of_all() -> None:
    agents = load_team(TEAM, ENV).agents
    view = TeamFactory(ENV, agents, "steady")()
    view.reset(seed=0)
    assert view.step(0)[1] == 0.0
    assert TeamFactory(ENV, agents)().action_space == Discrete(27)


# --- members with masks or a memory ---


class Counts:
    """Remembers how many observations it has seen, and chooses that, up to 2."""

    name, framework = "counts", "own"
    observation_space, action_space = PLACE.observation_space, PLACE.action_space
    capabilities = frozenset({"recurrent"})
    initial_memory = np.zeros(1, np.float32)

    def __init__(self, context: Any = None) -> None:
        self.context = context

    def within(self, context: Any) -> "Counts":
        return Counts(context)

    def act(self, observations: Any) -> Any:
        seen = np.broadcast_to(self.context.memory, (len(observations), 1))
        return np.minimum(seen[:, 0], 2).astype(np.int64)

    def next_memory(self, observations: Any) -> Any:
        return np.broadcast_to(self.context.memory, (len(observations), 1)) + np.float32(1)


def test_others_remember_from_step_to_step_and_the_environment_keeps_it() -> None:
    agents = load_team({"steady": two, "*": Counts()}, ENV).agents
    view = TeamFactory(ENV, agents, "steady")()
    view.reset(seed=0)
    view.step(0)
    branch = copy.deepcopy(view)
    assert branch._memories["early"].tolist() == [[1.0]]
    branch.step(0)
    assert branch._memories["early"].tolist() == [[2.0]]
    assert view._memories["early"].tolist() == [[1.0]]
    view.reset(seed=0)
    assert view._memories == {}


def test_a_team_remembers_what_its_members_do_and_absent_ones_do_not_go_on() -> None:
    agent: Any = joint({"steady": two, "*": Counts()})
    assert agent.capabilities == {"recurrent"}
    assert agent.initial_memory.tolist() == [0.0, 0.0]
    # early is there, late is not
    row = np.array([[1, 0, 0, 1, 1, 1, 0, 0, 0]], np.float32)
    with pytest.raises(CapabilityError, match="asked without"):
        agent.act(row)
    bound = agent.within(Context(memory=np.array([[1.0, 2.0]], np.float32)))
    assert bound.act(row) == [1 * 9 + 2 * 3 + 2]
    assert bound.next_memory(row).tolist() == [[2.0, 2.0]]
    many = bound.act(np.repeat(row, 3, axis=0))
    assert many.tolist() == [17, 17, 17]


def test_a_team_of_members_with_masks_chooses_among_allowed_combinations() -> None:
    def largest(observations: Any, masks: Any) -> Any:
        return 2 - masks[:, ::-1].argmax(axis=1)

    agent: Any = joint({"steady": two, "*": largest})
    assert agent.capabilities == {"masks"}
    masks = np.zeros((1, 3, 3, 3), dtype=bool)
    masks[0, :2, :, 1:] = True  # early may not choose 2, late may not choose 0
    bound = agent.within(Context(masks=masks.reshape(1, 27)))
    row = np.array([[1, 0, 0, 1, 1, 1, 1, 0, 0]], np.float32)
    assert bound.act(row) == [1 * 9 + 2 * 3 + 2]
    assert load_team({"*": largest}, TURNS).agents["late"].capabilities == {"masks"}
