"""Gymnasium's CartPole, many at once.

Source: Barto, Sutton & Anderson 1983, in the form of Gymnasium, from which single bits must not
differ: the order of its operations is kept, and all of them are in double precision.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.envs.batched.protocol import BatchedStep, Rows
from pellucid.envs.batched.seeding import generators
from pellucid.types import Actions, Observations

START = 0.05
"""Every number of the first state lies between minus this and this."""
EULER = "euler"


class Batched:
    """Copies of Gymnasium's `CartPoleEnv`.

    Args:
        env: The single environment, whose physics are taken over.
        n_rows: How many copies.
    """

    def __init__(self, env: Any, n_rows: int) -> None:
        self._env = env
        self._states = np.zeros((4, n_rows))

    def reset(self, rows: Rows, seeds: Sequence[int]) -> Observations:
        """Draw a state near the upright one."""
        drawn = [rng.uniform(-START, START, size=(4,)) for rng in generators(seeds)]
        self._states[:, rows] = np.array(drawn).reshape(len(rows), 4).T
        return self._observations(rows)

    def step(self, rows: Rows, actions: Actions) -> BatchedStep:
        """Push the cart for one interval."""
        env = self._env
        place, speed, angle, turning = self._states[:, rows]
        force = np.where(actions == 1, env.force_mag, -env.force_mag)
        cosine, sine = np.cos(angle), np.sin(angle)
        pushed = (force + env.polemass_length * np.square(turning) * sine) / env.total_mass
        reach = env.length * (4.0 / 3.0 - env.masspole * np.square(cosine) / env.total_mass)
        turn = (env.gravity * sine - cosine * pushed) / reach
        push = pushed - env.polemass_length * turn * cosine / env.total_mass
        new_speed, new_turning = speed + env.tau * push, turning + env.tau * turn
        is_euler = env.kinematics_integrator == EULER
        place = place + env.tau * (speed if is_euler else new_speed)
        angle = angle + env.tau * (turning if is_euler else new_turning)
        self._states[:, rows] = place, new_speed, angle, new_turning
        fallen = (np.abs(place) > env.x_threshold) | (np.abs(angle) > env.theta_threshold_radians)
        # the other reward: nothing, and minus one for falling
        stays, falls = (0.0, -1.0) if env._sutton_barto_reward else (1.0, 1.0)
        return BatchedStep(self._observations(rows), np.where(fallen, falls, stays), fallen)

    def _observations(self, rows: Rows) -> Observations:
        return np.ascontiguousarray(self._states[:, rows].T, dtype=np.float32)
