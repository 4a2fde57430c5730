"""Splits the reward of Gymnasium's LunarLander into its seven parts, exactly.

The environment reports only the sum. Its formula is a difference of potentials plus fuel, and on
the last step of a landing or crash a fixed amount *replaces* all of that; the parts are recomputed
from the simulator's own state in double precision, since the observation is rounded.

Source: `gymnasium/envs/box2d/lunar_lander.py`, `LunarLander.step`.
"""

import importlib
import math
from typing import Any

import gymnasium
import numpy as np

TERM_NAMES = (
    "distance",
    "speed",
    "tilt",
    "leg contact",
    "main engine fuel",
    "side engine fuel",
    "landing or crash",
)

_MODULE = "gymnasium.envs.box2d.lunar_lander"
_MAIN_FUEL = 0.30
_SIDE_FUEL = 0.03


def is_lunar_lander(env: "gymnasium.Env[Any, Any]") -> bool:
    """Whether the innermost environment is Gymnasium's own (a subclass may pay differently)."""
    made_of = type(env.unwrapped)
    return made_of.__module__ == _MODULE and made_of.__name__ == "LunarLander"


class LunarLanderTerms(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Puts `info["reward_terms"]` beside each reward; the parts add up to it within 1e-9.

    Belongs directly around the environment of `gymnasium.make`: a wrapper between the two that
    changes actions or rewards would make the parts wrong.

    Args:
        env: Discrete or continuous LunarLander.
    """

    def __init__(self, env: "gymnasium.Env[Any, Any]") -> None:
        super().__init__(env)
        self._lander_env: Any = env.unwrapped
        constants = importlib.import_module(_MODULE)
        self._half_width = constants.VIEWPORT_W / constants.SCALE / 2
        self._half_height = constants.VIEWPORT_H / constants.SCALE / 2
        self._frames_per_second = constants.FPS
        self._leg_length = constants.LEG_DOWN / constants.SCALE
        self._potentials = (0.0, 0.0, 0.0, 0.0)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Reset the environment and remember the potentials of its first state."""
        observation, info = self.env.reset(**kwargs)
        self._potentials = self._read_potentials()
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step the environment and report the parts of its reward, in points."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        before, after = self._potentials, self._read_potentials()
        self._potentials = after
        if terminated:
            parts = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, float(reward))
        else:
            main, side = self._powers(action)
            parts = (
                after[0] - before[0],
                after[1] - before[1],
                after[2] - before[2],
                after[3] - before[3],
                -main * _MAIN_FUEL,
                -side * _SIDE_FUEL,
                0.0,
            )
        info["reward_terms"] = dict(zip(TERM_NAMES, parts, strict=True))
        return observation, reward, terminated, truncated, info

    def _read_potentials(self) -> tuple[float, float, float, float]:
        env = self._lander_env
        position, velocity = env.lander.position, env.lander.linearVelocity
        x = (position.x - self._half_width) / self._half_width
        y = (position.y - (env.helipad_y + self._leg_length)) / self._half_height
        vx = velocity.x * self._half_width / self._frames_per_second
        vy = velocity.y * self._half_height / self._frames_per_second
        legs = env.legs
        return (
            -100 * math.sqrt(x * x + y * y),
            -100 * math.sqrt(vx * vx + vy * vy),
            -100 * abs(env.lander.angle),
            10.0 * legs[0].ground_contact + 10.0 * legs[1].ground_contact,
        )

    def _powers(self, action: Any) -> tuple[float, float]:
        if not self._lander_env.continuous:
            return float(action == 2), float(action in (1, 3))
        main, side = np.clip(action, -1, 1).astype(np.float64)
        main_power = (main + 1.0) * 0.5 if main > 0 else 0.0
        side_power = abs(side) if abs(side) > 0.5 else 0.0
        return float(main_power), float(side_power)
