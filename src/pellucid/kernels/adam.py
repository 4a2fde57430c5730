"""Adam's update of one array of weights."""

import math
from dataclasses import dataclass, field

import numpy as np

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""The usual constants (Kingma 2015)."""


@dataclass
class AdamWeights:
    """Weights with the running means of their gradient and of its square.

    Args:
        weights: Any shape; changed in place by `update`.

    Source: Kingma 2015, algorithm 1.
    """

    weights: np.ndarray
    first: np.ndarray = field(init=False)
    second: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.first = np.zeros_like(self.weights)
        self.second = np.zeros_like(self.weights)

    def update(self, gradient: np.ndarray, learning_rate: float, n_before: int) -> None:
        """Take one step down a gradient.

        Args:
            gradient: Of the shape of the weights.
            learning_rate: Step size.
            n_before: Updates before this one.
        """
        self.first += (1 - BETA_1) * (gradient - self.first)
        self.second += (1 - BETA_2) * (gradient**2 - self.second)
        n = n_before + 1
        size = learning_rate * math.sqrt(1 - BETA_2**n) / (1 - BETA_1**n)
        # epsilon is scaled along, so that this is Adam to the letter
        epsilon = EPSILON * math.sqrt(1 - BETA_2**n)
        self.weights -= size * self.first / (np.sqrt(self.second) + epsilon)
