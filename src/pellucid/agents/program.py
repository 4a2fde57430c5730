"""An agent that is a readable program, as it stands in for another one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.agents.flatten import flat
from pellucid.agents.tree import actions_of
from pellucid.kernels.programs import Program, outputs_of
from pellucid.types import Actions, Observations


@dataclass(frozen=True, eq=False)
class ProgramAgent:
    """Chooses by a tree, a formula or a sum (`kernels.programs`).

    Args:
        program: Its outputs are preferences for each action, or the action itself.
        observation_space: The Gymnasium space of one observation.
        action_space: Discrete or Box.
        name: Short name for people.
    """

    program: Program
    observation_space: Any
    action_space: Any
    name: str = "stand-in"

    framework = "program"
    capabilities = frozenset[str]()

    def act(self, observations: Observations) -> Actions:
        """Return the action with the largest output, or the outputs as the action."""
        return actions_of(self.leaf_values(observations), self.action_space)

    def leaf_values(self, observations: Observations) -> Float[np.ndarray, "batch outputs"]:
        """Return the outputs for each observation."""
        return outputs_of(self.program, flat(observations))
