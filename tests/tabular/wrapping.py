"""A wrapper that can be named."""

from typing import Any

import gymnasium


class Doubled(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Pays twice."""

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, 2 * float(reward), terminated, truncated, info
