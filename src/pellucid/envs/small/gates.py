"""Gates: a walk on which some actions are not allowed, and which says which ones are."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from jaxtyping import Bool

BACK, STEP, JUMP, REST = range(4)


class Gates(gymnasium.Env[Any, Any]):
    """A line of places; a jump takes two of them at once, and needs an open gate.

    The gate opens and closes at random and is seen. `action_masks` allows the step back everywhere
    but at the start, the jump while the gate is open, and rest only after a jump. Every action
    costs 1, and a jump 0.5 more; the last place pays 10. An action that is not allowed is refused
    with an error, so that whoever proposes one is found out.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {
            "inputs": ["place", "gate is open", "has jumped", "wind"],
            "actions": ["step back", "step on", "jump", "rest"],
        },
    }

    n_places: ClassVar[int] = 8
    """Places, the last of which ends the episode."""
    max_steps: ClassVar[int] = 30
    """After which it is ended by the clock."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(4)
        self._place, self._clock, self._open, self._jumped = 0, 0, False, False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Return to the first place."""
        super().reset(seed=seed, options=options)
        self._place, self._clock, self._jumped = 0, 0, False
        return self._observation(), {}

    def action_masks(self) -> Bool[np.ndarray, " actions"]:
        """Return which actions are allowed now."""
        return np.array([self._place > 0, True, self._open, self._jumped])

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move, and let the gate move.

        Raises:
            ValueError: The action is not allowed now.
        """
        chosen = int(action)
        if not self.action_masks()[chosen]:
            raise ValueError(f"action {chosen} is not allowed now")
        self._clock += 1
        self._place = min(self._place + {BACK: -1, STEP: 1, JUMP: 2}.get(chosen, 0), self._end)
        self._jumped = chosen == JUMP
        at_end = self._place == self._end
        reward = -1.0 - 0.5 * self._jumped + 10.0 * at_end
        return self._observation(), reward, at_end, self._clock >= self.max_steps, {}

    @property
    def _end(self) -> int:
        return self.n_places - 1

    def _observation(self) -> np.ndarray:
        self._open = bool(self.np_random.random() < 0.5)
        wind = self.np_random.uniform(-1.0, 1.0)
        seen = [self._place / self._end, self._open, self._jumped, wind]
        return np.array(seen, dtype=np.float32)
