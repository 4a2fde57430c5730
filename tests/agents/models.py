"""Small Stable-Baselines3 models, the spaces they are made for, and their archives."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3

from pellucid.agents.spaces import Spaces

OBSERVATIONS = Box(np.array([-1.5, -np.inf, 0.0], np.float32), np.float32(3.25), dtype=np.float32)
CHOICES = Discrete(4)
# the ranges differ in place and width, so that a wrong scaling or clipping shows
TORQUES = Box(np.array([-2.0, 0.5], np.float32), np.array([1.0, 3.0], np.float32))
CLASSES = {"PPO": PPO, "A2C": A2C, "DQN": DQN, "SAC": SAC, "TD3": TD3, "DDPG": DDPG}
CONTINUOUS = ("SAC", "TD3", "DDPG")


class StubEnv(gymnasium.Env[Any, Any]):
    """An environment that is nothing but its spaces."""

    def __init__(self, action_space: Any = CHOICES, observation_space: Any = OBSERVATIONS) -> None:
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(self.observation_space.shape, self.observation_space.dtype), {}

    def step(self, action: Any) -> Any:
        return self.reset()[0], 0.0, True, False, {}


def make_model(algorithm: str, action_space: Any = None, **settings: Any) -> Any:
    """Return an untrained model with weights large enough that its choices vary."""
    actions = action_space or (TORQUES if algorithm in CONTINUOUS else CHOICES)
    steps: dict[str, Any] = {"PPO": {"n_steps": 8, "batch_size": 8}}.get(
        algorithm, {} if algorithm == "A2C" else {"buffer_size": 4}
    )
    env = settings.pop("env", None) or StubEnv(actions)
    model = CLASSES[algorithm]("MlpPolicy", env, seed=0, device="cpu", **steps, **settings)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def save_model(model: Any, folder: Path, name: str = "model.zip") -> Path:
    """Save a model as the library does, and return the archive."""
    model.save(folder / name)
    return folder / name


def spaces_of_model(model: Any) -> Spaces:
    """Return the spaces that a model was made for."""
    return Spaces(model.observation_space, model.action_space)


def random_observations(n_rows: int = 1000, seed: int = 0) -> Any:
    """Return observations beyond the usual range too."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 2.0, size=(n_rows, 3)).astype(np.float32)
