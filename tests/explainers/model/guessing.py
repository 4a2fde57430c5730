"""Environments that pay for a known rule, and agents that follow it."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.budget import Cost, Meter
from pellucid.envs import EnvSpec
from pellucid.envs.names import Names
from pellucid.rollouts import collect

N_STEPS, N_INPUTS = 10, 3
WIDE = Cost(10**7, 10**6)


class Guess(gymnasium.Env):
    """Each step shows new numbers and pays 1 for the action that a rule would choose."""

    def __init__(self, rule, n_actions=3):
        self.rule = rule
        self.observation_space = Box(-np.inf, np.inf, (N_INPUTS,), np.float64)
        self.action_space = Discrete(n_actions)

    def _show(self):
        self.seen = self.np_random.uniform(-1.0, 1.0, size=N_INPUTS)
        return self.seen

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._show(), {}

    def step(self, action):
        reward = float(int(action) == int(self.rule(self.seen[None])[0]))
        self.t += 1
        return self._show(), reward, self.t >= N_STEPS, False, {}


class Follow(gymnasium.Env):
    """Pays minus the distance between the action and the sign of the first input."""

    observation_space = Box(-np.inf, np.inf, (1,), np.float64)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def _show(self):
        self.seen = self.np_random.uniform(-1.0, 1.0, size=1)
        return self.seen

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._show(), {}

    def step(self, action):
        reward = -abs(float(action[0]) - 0.5 * float(np.sign(self.seen[0])))
        self.t += 1
        return self._show(), reward, self.t >= N_STEPS, False, {}


class Follower:
    """Chooses as a rule does, and says nothing else."""

    name, framework, capabilities = "follower", "test", frozenset()

    def __init__(self, rule, n_actions=3):
        self.rule = rule
        self.observation_space = Box(-np.inf, np.inf, (N_INPUTS,), np.float64)
        self.action_space = Discrete(n_actions)

    def act(self, observations):
        return self.rule(observations)


class Halfway:
    """Half to the left, or half to the right."""

    name, framework, capabilities = "halfway", "test", frozenset()
    observation_space, action_space = Follow.observation_space, Follow.action_space

    def act(self, observations):
        return (0.5 * np.sign(observations)).astype(np.float32)


def episodes_of(agent, factory, n_episodes=20):
    n_inputs = agent.observation_space.shape[0]
    discrete = isinstance(agent.action_space, Discrete)
    n_actions = int(agent.action_space.n) if discrete else 1
    names = Names(
        tuple(f"input {i}" for i in range(n_inputs)), ("m",) * n_inputs,
        tuple(f"choice {i}" for i in range(n_actions)), ("",) * n_actions,
    )  # fmt: skip
    spec = EnvSpec("test", max_steps=N_STEPS, factory=factory)
    meter = Meter(WIDE)
    return collect(agent, spec, n_episodes=n_episodes, seed=0, meter=meter, names=names)
