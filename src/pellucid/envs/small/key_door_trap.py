"""KeyDoorTrap: one step decides the whole episode, and it is known which."""

from typing import Any, ClassVar

import gymnasium
import numpy as np

WALK, TAKE = 0, 1


class KeyDoorTrap(gymnasium.Env[Any, Any]):
    """A corridor with a key at one place and a door at the end; without the key it is a trap.

    Every step leads one place on, whatever the action. Taking the key at its place makes the last
    step pay +10, else it pays -10; all other steps pay 0 and all other actions change nothing. So
    `critical_step` is the only step that matters.

    Inputs: place divided by the length, 1 at the place of the key, 1 while the key is held.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {
            "inputs": {"place": "of the corridor", "key in reach": "0 or 1", "key held": "0 or 1"},
            "actions": ["walk on", "take"],
        },
    }

    length: ClassVar[int] = 12
    """Steps of an episode."""

    critical_step: ClassVar[int] = 5
    """The step at which the key can be taken."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (3,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._place = 0
        self._has_key = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the entrance without a key."""
        super().reset(seed=seed, options=options)
        self._place = 0
        self._has_key = False
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take the key if it is in reach and wanted, then walk on."""
        if int(action) == TAKE and self._place == self.critical_step:
            self._has_key = True
        self._place += 1
        at_door = self._place == self.length
        reward = (10.0 if self._has_key else -10.0) if at_door else 0.0
        return self._observation(), reward, at_door, False, {}

    def _observation(self) -> Any:
        in_reach = self._place == self.critical_step
        return np.array(
            [self._place / self.length, float(in_reach), float(self._has_key)], dtype=np.float32
        )
