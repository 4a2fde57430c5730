"""NoisyWalk: noise in every step, and a reward whose parts are known."""

from typing import Any

import gymnasium
import numpy as np

LEFT, REST, RIGHT = 0, 1, 2


class NoisyWalk(gymnasium.Env[Any, Any]):
    """A walk on a line from the middle; the right end pays by progress, every move costs.

    A move shifts the position by 0.1, and noise with standard deviation `noise` is added to every
    step. The reward is ten times the shift (`progress`) minus 0.1 for moving (`effort`); both are
    reported in `info["reward_terms"]`. Reaching 1 or -1 ends the episode.

    Inputs: the position, and a number drawn at random that means nothing.

    Args:
        noise: Standard deviation of the shift that is added to every step; 0 for none.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {
            "inputs": ["position", "meaningless number"],
            "actions": ["move left", "rest", "move right"],
        },
    }

    def __init__(self, noise: float = 0.02) -> None:
        low = np.array([-2.0, 0.0], dtype=np.float32)
        high = np.array([2.0, 1.0], dtype=np.float32)
        self.observation_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        self.action_space = gymnasium.spaces.Discrete(3)
        self._noise = noise
        self._position = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the middle."""
        super().reset(seed=seed, options=options)
        self._position = 0.0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Move, and be moved."""
        move = int(action) - REST
        shift = 0.1 * move + self._noise * float(self.np_random.standard_normal())
        self._position += shift
        terms = {"progress": 10.0 * shift, "effort": -0.1 * abs(move)}
        reward = terms["progress"] + terms["effort"]
        over = abs(self._position) >= 1.0
        return self._observation(), reward, over, False, {"reward_terms": terms}

    def _observation(self) -> Any:
        return np.array([self._position, self.np_random.random()], dtype=np.float32)
