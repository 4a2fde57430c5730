"""Hiding inputs in futures: what the agent sees of them comes from visited states."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Shaped

from pellucid.kernels.draws import indexed_draws
from pellucid.types import Observations


@dataclass(frozen=True)
class HiddenInputs:
    """Replaces hidden inputs at every step by those of one visited state, drawn anew.

    All inputs that are hidden at a step come from the same state, so that they fit each other. The
    draw depends on the seed and on where and in which replicate the step is, never on what is
    hidden: every arm of a comparison sees values of the same states at the same steps.

    Args:
        visited: Shape (states, *observation), from which values are drawn.
        seed: Of the draws.
    """

    visited: Shaped[np.ndarray, "states *observation"]
    seed: int

    def __call__(
        self,
        observations: Observations,
        hidden: Bool[np.ndarray, "batch inputs"],
        keys: Int[np.ndarray, "batch keys"],
    ) -> Observations:
        """Return the observations with hidden inputs replaced.

        Args:
            observations: Shape (batch, *observation).
            hidden: Shape (batch, inputs), the inputs of each row that are not seen.
            keys: Shape (batch, keys), what tells the draws of rows apart.
        """
        draws = indexed_draws(self.seed, *keys.T, below=len(self.visited))
        rows = observations.reshape(len(observations), -1)
        drawn = self.visited[draws].reshape(rows.shape).astype(rows.dtype, copy=False)
        return np.where(hidden, drawn, rows).reshape(observations.shape)
