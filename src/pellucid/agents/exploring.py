"""An agent that now and then acts at random, so that what follows on each action can be seen."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from pellucid.agents.fronting import Fronting
from pellucid.types import Actions, Agent, HasSampling, Observations, PolicyMode


class ExploringAgent(Fronting):
    """Acts as the agent behind it, or, with some probability in each step, at random.

    Run it with the policy `sampled`: it draws in any case.

    Args:
        agent: The agent behind it, of discrete actions, all of them allowed everywhere.
        rate: Probability of an action drawn evenly from all.
        policy: How the agent behind it acts otherwise.
    """

    def __init__(self, agent: Agent, *, rate: float, policy: PolicyMode) -> None:
        self.agent = agent
        self._rate, self._policy = rate, policy

    @property
    def capabilities(self) -> frozenset[str]:
        """Drawing alone: what it prefers is not what it does."""
        return frozenset({"sampling"})

    def act(self, observations: Observations) -> Actions:
        """Return the most-likely actions of the agent behind it."""
        return self.agent.act(observations)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row, using only that row's generator."""
        if self._policy == "sampled":
            actions = np.array(cast(HasSampling, self.agent).sample(observations, rngs))
        else:
            actions = np.array(self.agent.act(observations))
        for row, rng in enumerate(rngs):
            if rng.random() < self._rate:
                actions[row] = self.action_space.start + rng.integers(self.action_space.n)
        return actions
