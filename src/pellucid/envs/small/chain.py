"""Chain: three states in a row, whose values can be computed by hand."""

from typing import Any, ClassVar

import gymnasium

STAY, FORWARD = 0, 1


class Chain(gymnasium.Env[Any, Any]):
    """Starts in state 0; going forward from state 1 reaches state 2, pays 1 and terminates.

    With discount g the values of states 0 and 1 under "forward" are g and 1. Staying pays 0, so
    that an episode of staying is ended by the step limit: truncated, not terminated.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {"inputs": ["state"], "actions": ["stay", "go forward"]},
    }

    n_states: ClassVar[int] = 3
    """Number of states, the terminal one included."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Discrete(self.n_states)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._state = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return to state 0."""
        super().reset(seed=seed, options=options)
        self._state = 0
        return self._state, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Go one state forward or stay."""
        if int(action) == FORWARD:
            self._state += 1
        at_end = self._state == self.n_states - 1
        return self._state, float(at_end), at_end, False, {}
