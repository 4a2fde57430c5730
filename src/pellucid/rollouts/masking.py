"""An agent whose action is kept or replaced by a random one, by a coin at every step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
from jaxtyping import Bool, Float

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context, needs_context
from pellucid.agents.metering import unmetered
from pellucid.rollouts.drawing import PolicyDraws
from pellucid.rollouts.episodes import Episode
from pellucid.rollouts.stand_ins import RandomAgent
from pellucid.types import Actions, Agent, Context, Observations, PolicyMode, Recurrent

ChancesFn: TypeAlias = Callable[[Observations], Float[np.ndarray, " batch"]]
"""The chance with which the agent's action is kept, for each observation."""


@dataclass(frozen=True, eq=False)
class CoinAgent:
    """Keeps the agent's action or draws one uniformly; run it with the policy `sampled`.

    Args:
        agent: The agent.
        chances: Tells how likely its action is kept. Rows must not depend on each other.
        policy: Whether its actions are most-likely or sampled.
        masks: Shape (batch, actions), which actions are allowed; None if all are.
    """

    agent: Agent
    chances: ChancesFn
    policy: PolicyMode
    masks: Bool[np.ndarray, "batch actions"] | None = None

    framework = "coin"

    @property
    def name(self) -> str:
        """The agent's name: a failure is told as its own."""
        return self.agent.name

    @property
    def observation_space(self) -> Any:
        """The agent's observation space."""
        return self.agent.observation_space

    @property
    def action_space(self) -> Any:
        """The agent's action space."""
        return self.agent.action_space

    @property
    def capabilities(self) -> frozenset[str]:
        """It draws actions, and depends on what the agent depends on."""
        return (self.agent.capabilities & {"masks", "recurrent"}) | {"sampling"}

    def act(self, observations: Observations) -> Actions:
        """Return the agent's most-likely actions."""
        return self.agent.act(observations)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return the agent's actions where the coin says so, and random ones elsewhere."""
        chances = self.chances(observations)
        kept = np.array([rng.random() for rng in rngs]) < chances
        # all rows are asked, so that one query is one step whatever the coins say
        actions = choose_actions(self.agent, observations, self.policy, rngs).copy()
        replaced = np.flatnonzero(~kept).tolist()
        if replaced:
            masks = None if self.masks is None else self.masks[replaced]
            random = RandomAgent(self.observation_space, self.action_space, masks)
            actions[replaced] = random.sample(observations[replaced], [rngs[i] for i in replaced])
        return actions


class _CoinAgentInContext(CoinAgent):
    """The same for an agent that depends on more than observations."""

    @property
    def initial_memory(self) -> Float[np.ndarray, " units"]:
        return cast(Recurrent, self.agent).initial_memory

    def next_memory(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        return cast(Recurrent, self.agent).next_memory(observations)

    def within(self, context: Context) -> "_CoinAgentInContext":
        return replace(self, agent=in_context(self.agent, context), masks=context.masks)


def coin_agent(agent: Agent, chances: ChancesFn, policy: PolicyMode) -> CoinAgent:
    """Return an agent that keeps its action with a chance that depends on the observation.

    Args:
        agent: Any agent; not metered, since whoever runs it pays for its steps.
        chances: As for `CoinAgent`.
        policy: Whether its actions are most-likely or sampled.
    """
    own = unmetered(agent)
    made = _CoinAgentInContext if needs_context(own) else CoinAgent
    return made(own, chances, policy)


def kept_steps(
    episode: Episode, chances: Float[np.ndarray, " steps"], seed: int
) -> Bool[np.ndarray, " steps"]:
    """Return at which steps of an episode of a `CoinAgent` the agent's action was kept.

    The coins are thrown again: they are the first draws of each step.

    Args:
        episode: Collected with that seed and the policy `sampled`.
        chances: Shape (steps,), those with which it was run.
        seed: Of the run.
    """
    draws = PolicyDraws(seed, episode.index)
    thrown = np.array([draws.at(step).random() for step in range(len(episode))])
    return thrown < chances
