"""Small environments with a known truth, registered as `pellucid/<Name>-v0` on import."""

import gymnasium

from pellucid.envs.small.catch import Catch
from pellucid.envs.small.chain import Chain
from pellucid.envs.small.identity import Identity
from pellucid.envs.small.key_door_trap import KeyDoorTrap
from pellucid.envs.small.noisy_walk import NoisyWalk

__all__ = ["Catch", "Chain", "Identity", "KeyDoorTrap", "NoisyWalk"]

_LIMITS = {
    "Catch": ("pellucid.envs.small.catch:Catch", 60),
    "Chain": ("pellucid.envs.small.chain:Chain", 20),
    "Identity": ("pellucid.envs.small.identity:Identity", 10),
    "KeyDoorTrap": ("pellucid.envs.small.key_door_trap:KeyDoorTrap", 20),
    "NoisyWalk": ("pellucid.envs.small.noisy_walk:NoisyWalk", 50),
}

for _name, (_entry_point, _max_steps) in _LIMITS.items():
    _id = f"pellucid/{_name}-v0"
    if _id not in gymnasium.registry:
        gymnasium.register(_id, entry_point=_entry_point, max_episode_steps=_max_steps)
