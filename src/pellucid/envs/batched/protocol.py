"""What every batched environment offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.types import Actions, Observations

Rows: TypeAlias = Int[np.ndarray, " rows"]
"""Which copies are meant, each at most once."""


@dataclass(frozen=True)
class BatchedStep:
    """One step of some rows.

    Args:
        observations: Shape (rows, *observation), in the type of the observation space.
        rewards: Shape (rows,).
        terminated: Shape (rows,). A step limit is the caller's.
        terms: Reward terms by name, each of shape (rows,); empty if none are reported.
    """

    observations: Shaped[np.ndarray, "rows *observation"]
    rewards: Float[np.ndarray, " rows"]
    terminated: Bool[np.ndarray, " rows"]
    terms: Mapping[str, Float[np.ndarray, " rows"]] = field(default_factory=dict)


class BatchedEnv(Protocol):
    """Copies of one environment, each with its own state and its own random stream."""

    def reset(self, rows: Rows, seeds: Sequence[int]) -> Observations:
        """Start some rows anew.

        Args:
            rows: Which.
            seeds: One per row, as for `reset` of the single environment.

        Returns:
            Their first observations.
        """

    def step(self, rows: Rows, actions: Actions) -> BatchedStep:
        """Take one step in some rows, none of which has terminated.

        Args:
            rows: Which.
            actions: One per row.
        """
