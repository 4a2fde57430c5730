"""Teams of which some members stand idle or do something else, as one agent.

A team that acts as one agent is a frozen dataclass with `agents`, its members by id: replacing some
of them is another team of the same kind, so that nothing here needs to know how their observations
and actions are put together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from jaxtyping import Bool, Float, Shaped

from pellucid.agents.metering import MeteredAgent, unmetered
from pellucid.budget import Meter
from pellucid.errors import CapabilityError
from pellucid.types import Actions, Agent, Categorical, Observations

MOST_ARMS = 500
"""Joint actions that the members of a team can make of one, at most."""


@dataclass(frozen=True, eq=False)
class Standing:
    """A member that always takes one action.

    Args:
        agent: Whose place it takes.
        action: Shape (*action,).
    """

    agent: Agent
    action: Shaped[np.ndarray, "*action"]

    framework = "standing"

    @property
    def name(self) -> str:
        """The name of the member."""
        return self.agent.name

    @property
    def observation_space(self) -> Any:
        """The member's observation space."""
        return self.agent.observation_space

    @property
    def action_space(self) -> Any:
        """The member's action space."""
        return self.agent.action_space

    @property
    def capabilities(self) -> frozenset[str]:
        """A distribution and drawing, where the member chooses one of several actions."""
        discrete = isinstance(self.action_space, Discrete)
        return frozenset({"distribution", "sampling"}) if discrete else frozenset()

    def act(self, observations: Observations) -> Actions:
        """Return the action, whatever is seen."""
        shape = (len(observations), *self.action.shape)
        return np.array(np.broadcast_to(self.action, shape), dtype=self.action_space.dtype)

    def distribution(self, observations: Observations) -> Categorical:
        """Return probability 1 for the action."""
        start = int(self.action_space.start)
        chances: Float[np.ndarray, "batch actions"] = np.zeros(
            (len(observations), int(self.action_space.n))
        )
        chances[:, int(self.action) - start] = 1.0
        return Categorical(chances, start)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return the action; nothing is drawn."""
        del rngs
        return self.act(observations)


def members_of(agent: Agent) -> Mapping[str, Agent]:
    """Return the members of a team that acts as one agent, by id.

    Raises:
        CapabilityError: It is one agent, or a team of one.
    """
    team: Any = unmetered(agent)
    members = getattr(team, "agents", None)
    if not (isinstance(members, Mapping) and is_dataclass(team)):
        raise CapabilityError(
            f"{agent.name} is one agent, and credit is shared among the members of a team",
            hint="give a team; critical-steps tells which steps of one agent matter, and "
            "reward-components which terms of its reward",
        )
    if len(members) < 2:
        raise CapabilityError(
            f"{agent.name} has a single member, which has all credit", hint="a larger team"
        )
    return members


def with_members(agent: Agent, members: Mapping[str, Agent]) -> Agent:
    """Return the team in which some members are others.

    Args:
        agent: A team that `members_of` accepts.
        members: Those that are others, by id.
    """
    team: Any = unmetered(agent)
    other: Agent = replace(team, agents={**team.agents, **members})
    return other


def coalition(agent: Agent, present: Bool[np.ndarray, " members"]) -> Agent:
    """Return the team in which the members that are not present stand idle.

    Args:
        agent: A team that `members_of` accepts.
        present: Shape (members,), in the order of its members.
    """
    members = members_of(agent)
    absent = [member for member, there in zip(members, present, strict=True) if not there]
    return with_members(agent, {m: Standing(members[m], idle_action(members[m])) for m in absent})


def idle_action(agent: Agent) -> Shaped[np.ndarray, "*action"]:
    """Return what counts as doing nothing: action 0, or the one nearest to 0.

    Raises:
        CapabilityError: The action space has no such action.
    """
    space = agent.action_space
    if isinstance(space, Discrete | MultiDiscrete):
        return np.asarray(space.start, dtype=space.dtype)
    if isinstance(space, Box):
        return np.asarray(np.clip(np.zeros(space.shape, space.dtype), space.low, space.high))
    if isinstance(space, MultiBinary):
        return np.zeros(space.shape, dtype=space.dtype)
    raise CapabilityError(
        f"{agent.name} has actions of type {type(space).__name__}, none of which is doing nothing",
        hint="Discrete, MultiDiscrete, MultiBinary or Box actions",
    )


@dataclass(frozen=True)
class Alternatives:
    """What a team does in one state, and what it would do if one member did something else.

    Args:
        actions: Shape (arms, *action), joint actions; the team's own first.
        weights: Shape (members, arms), how likely each arm is if that member alone draws its action
            anew; rows add up to one.
    """

    actions: Shaped[np.ndarray, "arms *action"]
    weights: Float[np.ndarray, "members arms"]

    def credits(
        self, returns: Float[np.ndarray, "futures arms"]
    ) -> Float[np.ndarray, "futures members"]:
        """Return by how much the own action beats what each member would do on average.

        Args:
            returns: Shape (futures, arms), what follows.

        Source: Foerster 2018 (COMA), eq. (4).
        """
        return np.asarray(returns[:, :1] - returns @ self.weights.T)


def alternatives(
    agent: Agent, observation: Shaped[np.ndarray, "*observation"], meter: Meter
) -> Alternatives:
    """Return the joint actions that differ from the most-likely one by one member's action.

    A member draws from its own probabilities if the team tells them, else evenly.

    Args:
        agent: A team that `members_of` accepts.
        observation: Shape (*observation), of the team.
        meter: Pays one query for each joint action that is asked for.

    Raises:
        CapabilityError: A member's actions are not a list, or there are too many.
        BudgetError: They are not paid for.
    """
    members = members_of(agent)
    n_arms = 1 + sum(_n_actions(member) - 1 for member in members.values())
    if n_arms > MOST_ARMS:
        raise CapabilityError(
            f"the members have {n_arms} other joint actions, and {MOST_ARMS} can be compared",
            hint="use team-shapley, which lets members stand idle",
        )
    own = MeteredAgent(unmetered(agent), meter).act(observation[None])
    actions = [own[0]]
    weights: Float[np.ndarray, "members arms"] = np.zeros((len(members), n_arms))
    for row, (name, member) in enumerate(members.items()):
        start = int(member.action_space.start)
        chances = _chances(agent, name, observation, meter)
        for action in range(_n_actions(member)):
            other = {name: Standing(member, np.asarray(start + action))}
            joint = _asked(agent, other, meter).act(observation[None])[0]
            if np.array_equal(joint, own[0]):
                weights[row, 0] += chances[action]
            else:
                weights[row, len(actions)] = chances[action]
                actions.append(joint)
    return Alternatives(np.stack(actions), weights)


def _n_actions(member: Agent) -> int:
    if not isinstance(member.action_space, Discrete):
        raise CapabilityError(
            f"{member.name} has {type(member.action_space).__name__} actions, which are no list of "
            "other actions",
            hint="use team-shapley, which lets members stand idle",
        )
    return int(member.action_space.n)


def _asked(agent: Agent, members: Mapping[str, Agent], meter: Meter) -> MeteredAgent:
    return MeteredAgent(with_members(agent, members), meter)


def _chances(
    agent: Agent, name: str, observation: Shaped[np.ndarray, "*observation"], meter: Meter
) -> Float[np.ndarray, " actions"]:
    """Return the probability of each action of a member, even where the team tells none."""
    members = members_of(agent)
    n = _n_actions(members[name])
    even = np.full(n, 1.0 / n)
    if "distribution" not in agent.capabilities or not isinstance(agent.action_space, Discrete):
        return even
    # with all others standing, the team's probabilities are those of the member's actions
    still = {m: Standing(a, idle_action(a)) for m, a in members.items() if m != name}
    alone = _asked(agent, still, meter).distribution(observation[None])
    assert isinstance(alone, Categorical)
    chances = np.empty(n)
    for action in range(n):
        taken = np.asarray(int(members[name].action_space.start) + action)
        fixed = {**still, name: Standing(members[name], taken)}
        joint = int(_asked(agent, fixed, meter).act(observation[None])[0])
        chances[action] = alone.probabilities[0, joint - alone.start]
    return np.asarray(chances / chances.sum())
