"""Images and agents that look at parts of them, for the tests of explainers."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

from tests.explainers.cases import logged

SHAPE = (8, 8, 2)


def logged_images(dtype=np.float64, shape=SHAPE, *, lengths=(5, 6), seed=0):
    """Episodes of random images, without an environment."""
    rng = np.random.default_rng(seed)
    episodes = logged(int(np.prod(shape)), 2, lengths=lengths)
    whole = np.dtype(dtype).kind in "iu"

    def drawn(n):
        size = (n, *shape)
        return rng.integers(0, 256, size) if whole else rng.normal(size=size)

    attempted = tuple(
        replace(e, observations=drawn(len(e.observations)).astype(dtype))
        for e in episodes.attempted
    )
    return replace(episodes, attempted=attempted)


@dataclass
class PixelQ:
    """Q(s, 0) = the weighted sum of all pixels, Q(s, 1) = 0."""

    weights: np.ndarray
    dtype: type = np.float64
    name: str = "pixels"
    framework: str = "test"
    capabilities: frozenset[str] = frozenset({"q_values", "gradients"})
    observation_space: Box = field(init=False)
    action_space: Discrete = field(init=False)

    def __post_init__(self):
        low, high = (0, 255) if np.dtype(self.dtype).kind in "iu" else (-np.inf, np.inf)
        self.observation_space = Box(low, high, self.weights.shape, self.dtype)
        self.action_space = Discrete(2)

    def act(self, observations):
        return self.q_values(observations).argmax(axis=1)

    def q_values(self, observations):
        assert observations.dtype == self.dtype
        total = observations.reshape(len(observations), -1).astype(float) @ self.weights.ravel()
        return np.stack((total, 0 * total), axis=1)

    def torch_preferences(self, observations):
        total = (observations.double() * torch.as_tensor(self.weights)).flatten(1).sum(dim=1)
        return torch.stack((total, 0 * total), dim=1)


def corner(shape=SHAPE):
    """Weights of the four pixels at the start of rows 2 and 3 alone: a patch of a 4 x 4 grid."""
    weights = np.zeros(shape)
    weights[2:4, 0:2, :] = np.random.default_rng(1).normal(size=(2, 2, shape[2]))
    return weights


def patch_means(images, weights):
    """What each patch of a 4 x 4 grid adds to a weighted sum of pixels."""
    parts = images * weights
    return parts.reshape(len(images), 4, 2, 4, 2, -1).sum(axis=(2, 4, 5)).reshape(len(images), 16)
