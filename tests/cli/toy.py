"""A small world and its agents, importable by name as a user's own module would be."""

from typing import ClassVar

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import TimeLimit

N_STEPS = 8
LEFT, STAY, RIGHT = range(3)


class Line(gymnasium.Env):
    """A point on a line must stay near zero. Observation: position, a number without meaning.

    Reward: minus the distance from zero. Eight steps.
    """

    observation_space = Box(-10.0, 10.0, (2,), np.float32)
    action_space = Discrete(3)
    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 4}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self.position, self.n_steps = 0.0, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position, self.n_steps = float(self.np_random.uniform(-4, 4)), 0
        return self._observe(), {}

    def step(self, action):
        self.position = float(np.clip(self.position + int(action) - 1, -9, 9))
        self.n_steps += 1
        return self._observe(), -abs(self.position), self.n_steps >= N_STEPS, False, {}

    def render(self):
        return np.full((20, 30, 3), int(abs(self.position) * 20), np.uint8)

    def _observe(self):
        return np.array([self.position, self.np_random.normal()], np.float32)


class Blind(Line):
    """The same without pictures."""

    metadata: ClassVar = {"render_modes": []}

    def __init__(self):
        super().__init__()


class Brittle(Line):
    """The same, but every episode that begins on the left breaks at its third step."""

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed, options=options)
        self.breaks = self.position < 0
        return observation, info

    def step(self, action):
        if self.breaks and self.n_steps == 2:
            raise RuntimeError("the \x1b[31mwheel\x1b[0m came off")
        return super().step(action)


class Broken(Line):
    """The same, but no episode gets anywhere."""

    def step(self, action):
        raise RuntimeError("the wheel came off")


class Doubled(gymnasium.RewardWrapper):
    """Doubles the reward."""

    def reward(self, reward):
        return 2 * reward


def line(render_mode=None):
    """Return the world with its limit told, as a registered one would be."""
    return TimeLimit(Line(render_mode), N_STEPS)


def blind():
    """Return it without pictures."""
    return TimeLimit(Blind(), N_STEPS)


def brittle(render_mode=None):
    """Return it so that about half the episodes break."""
    return TimeLimit(Brittle(render_mode), N_STEPS)


def broken():
    """Return it so that every episode breaks."""
    return TimeLimit(Broken(), N_STEPS)


def to_zero(observations):
    """Move towards zero."""
    positions = observations[:, 0]
    return np.where(positions > 0.5, LEFT, np.where(positions < -0.5, RIGHT, STAY))


def go_right(observations):
    """Return the second action, whatever is seen."""
    return np.ones(len(observations), int)


def too_far(observations):
    """Return an action that does not exist."""
    return np.full(len(observations), 3)


def network():
    """Return a network with the same idea: its logits are known by hand."""
    module = torch.nn.Sequential(torch.nn.Linear(2, 3))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 0.0], [-2.0, 0.0]]))
        module[0].bias.copy_(torch.tensor([0.0, 1.0, 0.0]))
    return module


stored = network()
