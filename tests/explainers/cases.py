"""Agents and episodes with known answers, for the tests of explainers."""

from dataclasses import dataclass, field

import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.envs.names import Names
from pellucid.explanation import Task
from pellucid.rollouts.episodes import Episode, Episodes


@dataclass
class LinearQ:
    """Q(s, a) = s @ weights[:, a]: the Shapley value of input i is w_i (s_i - mean b_i)."""

    weights: np.ndarray
    name: str = "linear"
    framework: str = "test"
    capabilities: frozenset[str] = frozenset({"q_values", "value"})
    observation_space: Box = field(init=False)
    action_space: Discrete = field(init=False)

    def __post_init__(self):
        self.observation_space = Box(-np.inf, np.inf, (len(self.weights),), np.float64)
        self.action_space = Discrete(self.weights.shape[1])

    def act(self, observations):
        return self.q_values(observations).argmax(axis=1)

    def q_values(self, observations):
        return observations @ self.weights

    def value(self, observations):
        return self.q_values(observations).max(axis=1)


@dataclass
class Product(LinearQ):
    """Q(s, 0) = s_0 * s_1: interaction only, so that credit is split evenly."""

    def q_values(self, observations):
        first = observations[:, 0] * observations[:, 1]
        return np.stack((first, 0 * first), axis=1)


def logged(n_inputs: int, n_actions: int, *, lengths=(30, 40, 20), seed=0) -> Episodes:
    """Episodes of normal observations, without an environment."""
    rng = np.random.default_rng(seed)
    episodes = tuple(
        Episode(
            index=i,
            seed=-1,
            observations=rng.normal(size=(n + 1, n_inputs)),
            actions=rng.integers(n_actions, size=n),
            rewards=rng.normal(size=n),
            terminated=True,
            truncated=False,
        )
        for i, n in enumerate(lengths)
    )
    names = Names(
        inputs=tuple(f"input {i}" for i in range(n_inputs)),
        input_units=("",) * n_inputs,
        actions=tuple(f"action {i}" for i in range(n_actions)),
        action_units=("",) * n_actions,
    )
    return Episodes(episodes, None, names, seed=-1, policy="greedy")


def task(agent, episodes, *, queries=10**6, env_steps=10**5, **kwargs) -> Task:
    meter = Meter(Cost(queries, env_steps))
    return Task(MeteredAgent(agent, meter), episodes, meter, **kwargs)
