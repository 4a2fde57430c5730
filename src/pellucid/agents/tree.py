"""An agent that is a decision tree, as it stands in for another one."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Bool, Float

from pellucid.agents.flatten import flat
from pellucid.errors import CapabilityError
from pellucid.kernels.cart import Cart, leaves_of
from pellucid.types import Actions, Context, Observations


@dataclass(frozen=True, eq=False)
class TreeAgent:
    """Chooses by comparing one input at a time with a threshold.

    Args:
        tree: Its values are shares of each action, or the mean action.
        observation_space: The Gymnasium space of one observation.
        action_space: Discrete or Box.
        name: Short name for people.
        masks: Shape (rows, actions), which actions are allowed, one row for each observation or one
            for all; None if all are.
    """

    tree: Cart
    observation_space: Any
    action_space: Any
    name: str = "tree"
    masks: Bool[np.ndarray, "rows actions"] | None = None

    framework = "tree"
    capabilities = frozenset[str]()

    def act(self, observations: Observations) -> Actions:
        """Return the action of the leaf that each observation ends in."""
        return actions_of(self.leaf_values(observations), self.action_space)

    def within(self, context: Context) -> "TreeAgent":
        """Return the tree that chooses among the actions that a context allows."""
        return replace(self, masks=context.masks)

    def leaf_values(self, observations: Observations) -> Float[np.ndarray, "batch outputs"]:
        """Return the values of each observation's leaf, minus infinity for what is forbidden."""
        values = np.asarray(self.tree.values[leaves_of(self.tree, flat(observations))])
        return values if self.masks is None else np.where(self.masks, values, -np.inf)


def actions_of(values: Float[np.ndarray, "batch outputs"], space: Any) -> Actions:
    """Return the actions that leaf values stand for.

    Args:
        values: Shape (batch, outputs): preference for each action, or the action itself.
        space: The action space.

    Raises:
        CapabilityError: It is neither Discrete nor Box.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        return np.asarray(values.argmax(axis=1) + int(space.start), dtype=space.dtype)
    if isinstance(space, gymnasium.spaces.Box):
        rows = values.reshape(len(values), *space.shape)
        return np.asarray(np.clip(rows, space.low, space.high), dtype=space.dtype)
    raise CapabilityError(
        f"a tree for actions of type {type(space).__name__} is not defined",
        hint="supported: Discrete and Box action spaces",
    )
