"""Identity: the right action is written in the observation. Every learner must solve it."""

from typing import Any

import gymnasium
import numpy as np


class Identity(gymnasium.Env[Any, Any]):
    """Pays 1 for the action whose input is 1, else 0; the next one is drawn afresh.

    Inputs: `n_choices` zeros and ones, exactly one of which is 1. The best return in 10 steps is
    10, a random agent's mean is 10 / `n_choices`.

    Args:
        n_choices: Number of inputs and of actions, at least 2.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, n_choices: int = 4) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (n_choices,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(n_choices)
        self.metadata = {
            **self.metadata,
            "names": {
                "inputs": [f"signal {i + 1}" for i in range(n_choices)],
                "actions": [f"choice {i + 1}" for i in range(n_choices)],
            },
        }
        self._right = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the first right choice."""
        super().reset(seed=seed, options=options)
        return self._drawn(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the right choice and draw the next one."""
        reward = float(int(action) == self._right)
        return self._drawn(), reward, False, False, {}

    def _drawn(self) -> Any:
        n_choices = int(self.action_space.n)  # type: ignore[attr-defined]
        self._right = int(self.np_random.integers(n_choices))
        return np.eye(n_choices, dtype=np.float32)[self._right]
