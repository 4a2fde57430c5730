"""Many copies of a small environment as arrays: one NumPy step for all of them.

A row gives the bytes of the single environment under the same seed, whichever rows run beside it.
`batched_like` offers one wherever an environment has it; `rollouts.collect` asks.
"""

import importlib
from typing import Any

from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

from pellucid.envs.batched.protocol import BatchedEnv, BatchedStep
from pellucid.envs.resolve import layers

__all__ = ["BATCHED", "BatchedEnv", "BatchedStep", "batched_like"]

BATCHED = {
    "gymnasium.envs.classic_control.cartpole:CartPoleEnv": "pellucid.envs.batched.cart_pole",
    "pellucid.envs.small.chain:Chain": "pellucid.envs.batched.chain",
    "pellucid.envs.small.identity:Identity": "pellucid.envs.batched.identity",
    "pellucid.envs.small.key_door_trap:KeyDoorTrap": "pellucid.envs.batched.key_door_trap",
    "pellucid.envs.small.noisy_walk:NoisyWalk": "pellucid.envs.batched.noisy_walk",
}
"""Module of each batched environment, by the class of the single one; it offers `Batched`."""
_TRANSPARENT = (TimeLimit, OrderEnforcing, PassiveEnvChecker)


def batched_like(env: Any, n_rows: int) -> BatchedEnv | None:
    """Return copies of an environment as one batch, None if it has no such form.

    Args:
        env: Made already; its settings are taken over. Wrappers other than a step limit, and
            classes derived from the known ones, may change anything and have no batched form.
        n_rows: How many copies.
    """
    *wrappers, core = layers(env)
    if any(type(wrapper) not in _TRANSPARENT for wrapper in wrappers):
        return None
    # a method that was replaced in the instance would be passed over
    if {"step", "reset", "action_masks"} & vars(core).keys():
        return None
    cls = type(core)
    module = BATCHED.get(f"{cls.__module__}:{cls.__qualname__}")
    if module is None:
        return None
    made: BatchedEnv = importlib.import_module(module).Batched(core, n_rows)
    return made
