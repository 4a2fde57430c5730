"""An agent that is a readable program, as it stands in for another one."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pellucid.agents.flatten import flat
from pellucid.agents.tree import actions_of
from pellucid.kernels.programs import Program, outputs_of
from pellucid.types import Actions, Context, Observations


@dataclass(frozen=True, eq=False)
class ProgramAgent:
    """Chooses by a tree, a formula or a sum (`kernels.programs`).

    Args:
        program: Its outputs are preferences for each action, or the action itself.
        observation_space: The Gymnasium space of one observation.
        action_space: Discrete or Box.
        name: Short name for people.
        masks: Shape (rows, actions), which actions are allowed, one row for each observation or one
            for all; None if all are.
    """

    program: Program
    observation_space: Any
    action_space: Any
    name: str = "stand-in"
    masks: Bool[np.ndarray, "rows actions"] | None = None

    framework = "program"
    capabilities = frozenset[str]()

    def act(self, observations: Observations) -> Actions:
        """Return the action with the largest output, or the outputs as the action."""
        return actions_of(self.leaf_values(observations), self.action_space)

    def within(self, context: Context) -> "ProgramAgent":
        """Return the stand-in that chooses among the actions that a context allows."""
        return replace(self, masks=context.masks)

    def leaf_values(self, observations: Observations) -> Float[np.ndarray, "batch outputs"]:
        """Return the outputs for each observation, minus infinity for what is forbidden."""
        values = outputs_of(self.program, flat(observations))
        return values if self.masks is None else np.where(self.masks, values, -np.inf)
