"""Find the moments that decided an episode.

A lock takes a code of two digits at steps 8 and 9 of 20; nothing else matters. The agent enters the
code that it is shown, so a true explanation names steps 8 and 9.
"""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

import pellucid as pl

N_STEPS, N_DIGITS = 20, 4
ENTRY = (8, 9)


class Lock(gymnasium.Env[np.ndarray, int]):
    """Shows the step and the digit to enter; ten points for each right digit at the right step."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}
    observation_space = Box(0.0, float(N_STEPS), (2,), np.float64)
    action_space = Discrete(N_DIGITS)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.step_index = 0
        self.digit = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        """Start with a new code."""
        super().reset(seed=seed)
        self.step_index = 0
        return self._show(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Enter a digit."""
        reward = 10.0 if self.step_index in ENTRY and int(action) == self.digit else 0.0
        self.step_index += 1
        return self._show(), reward, self.step_index == N_STEPS, False, {}

    def _show(self) -> np.ndarray:
        self.digit = int(self.np_random.integers(N_DIGITS))
        return np.array([self.step_index, self.digit], dtype=np.float64)


def enter_what_is_shown(observations: np.ndarray) -> np.ndarray:
    """Return the digit that is shown."""
    return observations[:, 1].astype(np.int64)


if __name__ == "__main__":
    env = pl.resolve_env(Lock)
    agent = pl.load_agent(enter_what_is_shown, env=env)
    episodes = pl.collect(agent, env, n_episodes=5, seed=0)
    result = pl.explain(agent, episodes, method="critical-steps", seed=0)
    print(result)
    start = result.content.starts[result.content.chosen]
    stop = result.content.stops[result.content.chosen]
    assert (start, stop) == (ENTRY[0], ENTRY[1] + 1)
