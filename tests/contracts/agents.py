"""Agents whose every decision can be worked out by hand, and the small worlds they live in.

Importable by worker processes, so that contracts hold across them too.
"""

from typing import ClassVar

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

from pellucid import registry
from pellucid.types import Categorical

N_STEPS = 12


class Track(gymnasium.Env):
    """A point on a line must stay near zero; a gust moves it, and one input is noise.

    Observation: position, gust, a number that means nothing. Actions: left, stay, right.
    Reward: minus the distance from zero, reported by the side on which it is. Twelve steps.
    """

    observation_space = Box(-10.0, 10.0, (3,), np.float64)
    action_space = Discrete(3)
    metadata: ClassVar = {"render_modes": []}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self.position, self.gust, self.step_index = 0.0, 0.0, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position, self.step_index = float(self.np_random.uniform(-2, 2)), 0
        return self._observe(), {}

    def step(self, action):
        self.position = float(np.clip(self.position + int(action) - 1 + self.gust, -9, 9))
        self.step_index += 1
        terms = {"left": min(self.position, 0.0), "right": min(-self.position, 0.0)}
        over = self.step_index >= N_STEPS
        return self._observe(), sum(terms.values()), over, False, {"reward_terms": terms}

    def _observe(self):
        self.gust, noise = self.np_random.normal(0, 0.5, size=2)
        return np.array([self.position, self.gust, noise])


class Counted(gymnasium.Wrapper):
    """Counts every step that is really taken, in this process."""

    steps = 0

    def step(self, action):
        Counted.steps += 1
        return super().step(action)


class LinearAgent:
    """Softmax of a linear function: left if position + gust is high, right if it is low.

    The third input has no weight, so that every attribution to it is exactly zero; the first two
    have the same weight, so that their attributions differ only as their values do.
    """

    name = "linear"
    framework = "test"
    observation_space = Track.observation_space
    action_space = Track.action_space
    capabilities = frozenset({"distribution", "sampling", "value", "gradients"})
    weights = np.array([[1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    bias = np.array([0.0, 0.5, 0.0])

    def act(self, observations):
        return self._logits(observations).argmax(axis=1)

    def distribution(self, observations):
        exps = np.exp(self._logits(observations))
        return Categorical(exps / exps.sum(axis=1, keepdims=True))

    def value(self, observations):
        """Minus the distance from zero to which it would drift: the third input is ignored."""
        return -np.abs(observations[:, 0] + observations[:, 1])

    def sample(self, observations, rngs):
        edges = self.distribution(observations).probabilities.cumsum(axis=1)
        draws = np.array([[rng.random()] for rng in rngs])
        return np.minimum((edges <= draws).sum(axis=1), 2)

    def torch_preferences(self, observations):
        terms = observations[:, :, None] * torch.as_tensor(self.weights)
        return torch.softmax(terms.sum(dim=1) + torch.as_tensor(self.bias), dim=1)

    def _logits(self, observations):
        # elementwise and summed in a fixed order: a row's bytes do not depend on its batch
        return (observations[:, :, None] * self.weights).sum(axis=1) + self.bias


class TableAgent:
    """Looks the action up by the sign of the position: nothing but an action is offered."""

    name = "table"
    framework = "test"
    observation_space = Track.observation_space
    action_space = Track.action_space
    capabilities = frozenset()
    table = np.array([2, 1, 0])

    def act(self, observations):
        return self.table[np.sign(np.round(observations[:, 0])).astype(np.int64) + 1]


COUNTED_METHODS = (
    *("act", "distribution", "q_values", "value", "latent", "sample", "torch_preferences"),
)


class CountingAgent:
    """Counts every row that an agent is really asked, and can fail at a given call."""

    def __init__(self, inner, fail_at=None):
        self.inner, self.fail_at = inner, fail_at
        self.rows, self.calls = 0, 0

    def __getattr__(self, name):
        value = getattr(self.inner, name)
        if name not in COUNTED_METHODS:
            return value

        def counted(observations, *rest):
            self.rows += len(observations)
            self.calls += 1
            if self.fail_at is not None and self.calls >= self.fail_at:
                raise RuntimeError("the agent failed on purpose")
            return value(observations, *rest)

        return counted


class FragileMLP(torch.nn.Module):
    """A small torch policy with everything that explaining could disturb.

    Dropout and batch norm are left in training mode, a weight has a gradient, a hook is attached.
    """

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(3, 8),
            torch.nn.BatchNorm1d(8),
            torch.nn.Tanh(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(8, 3),
        )
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        self.calls, self.fail_at = 0, None
        self.layers[0].register_forward_hook(lambda module, args, output: None)
        self.layers[0].weight.grad = torch.ones(8, 3)
        self.train()

    def forward(self, observations):
        self.calls += 1
        if self.fail_at is not None and self.calls >= self.fail_at:
            raise RuntimeError("the agent failed on purpose")
        return self.layers(observations.float())


TRACK = "tests.contracts.agents:Track"
COUNTED = "tests.contracts.agents:Counted"
NEEDS_A_TABLE = frozenset({"reward-cliff", "reward-hypotheses"})
"""Explainers of environments that show their table of outcomes; the track shows none."""


NEEDS_A_NETWORK = frozenset({"constant-action-radius"})
"""Explainers of networks whose layers can be read; the agents of the track are none."""


NEEDS_LAYERS = frozenset({"activation-patching", "concept-probes", "steering"})
"""Explainers of hidden layers; the agents of the track have none, but small networks do."""


NEEDS_TEXT = frozenset({"stated-reasoning"})
"""Explainers of language models."""


NEEDS_MEMORY = frozenset({"memory"})
"""Explainers of recurrent agents; those here remember nothing."""


NEEDS_A_TEAM = frozenset({"team-counterfactual", "team-shapley"})
"""Explainers of teams; the agents here act alone."""


NEEDS_A_WAY = frozenset({"subgoals"})
"""Explainers of tasks that lead somewhere; on the track nothing lies between beginning and end."""


def of_numbers():
    """Return the names of the explainers of agents whose observations are numbers."""
    others = NEEDS_TEXT | NEEDS_MEMORY | NEEDS_A_TEAM | NEEDS_A_WAY
    return [name for name in registry.names("explainers") if name not in others]


def on_the_track():
    """Return the names of the explainers that have something to explain on the track."""
    others = NEEDS_A_TABLE | NEEDS_A_NETWORK | NEEDS_LAYERS
    return [name for name in of_numbers() if name not in others]
