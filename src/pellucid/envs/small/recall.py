"""Recall: a sign at the first step decides which answer is right at the last one."""

from typing import Any, ClassVar

import gymnasium
import numpy as np

LEFT, RIGHT = 0, 1


class Recall(gymnasium.Env[Any, Any]):
    """Shows a sign once, and asks for it `n_steps` later.

    The sign is seen at step 0 alone; later steps show noise and how many steps are left. Only the
    last action counts: 1 for the side that the sign showed, -1 for the other. An agent without
    memory earns 0 on average, and one that remembers the sign earns 1: whatever it does at the last
    step it does because of step 0.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {"inputs": ["sign", "steps left", "noise"], "actions": ["left", "right"]},
    }

    n_steps: ClassVar[int] = 6
    """Steps of an episode."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._step, self._right = 0, False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw a sign and show it."""
        super().reset(seed=seed, options=options)
        self._step, self._right = 0, bool(self.np_random.random() < 0.5)
        return self._observation(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Go on; the last action is the answer."""
        self._step += 1
        at_end = self._step == self.n_steps
        right = (int(action) == RIGHT) == self._right
        return self._observation(), (1.0 if right else -1.0) * at_end, at_end, False, {}

    def _observation(self) -> np.ndarray:
        sign = (1.0 if self._right else -1.0) if self._step == 0 else 0.0
        left = (self.n_steps - 1 - self._step) / self.n_steps
        noise = self.np_random.uniform(-1.0, 1.0)
        return np.array([sign, left, noise], dtype=np.float32)
