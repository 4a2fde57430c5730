"""A torch agent whose answers depend on more than the observation: on masks or on a memory.

Observation and context go through the network as one row of numbers, so that both stay together
however rows are cut into chunks.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pellucid.agents.context import unbound
from pellucid.agents.torch_agent import Network, TorchAgent
from pellucid.agents.undisturbed import placement
from pellucid.errors import CapabilityError
from pellucid.types import Context, Observations


class ContextNetwork(Network, Protocol):
    """A network that takes rows of observation and context; see `split`."""

    @property
    def needs(self) -> str:
        """The capability that tells what its answers depend on: `masks` or `recurrent`."""

    def packed(self, context: Context, who: str) -> Float[np.ndarray, "rows units"]:
        """Return the part of a context that it reads, as numbers.

        Raises:
            CapabilityError: The context lacks it.
        """


class RecurrentNetwork(ContextNetwork, Protocol):
    """A network whose context is its memory."""

    @property
    def n_units(self) -> int:
        """Length of the memory."""

    def memory_after(self, rows: Tensor) -> Tensor:
        """Return the memory after each row, shape (batch, units)."""


@dataclass(frozen=True, eq=False)
class ContextualAgent(TorchAgent):
    """A torch agent that is asked within a context, and refuses to answer outside one.

    Args:
        context: Shape (rows, units), what is put behind the observations; one row stands for all.
            None for an agent that was not bound yet.
    """

    context: Float[np.ndarray, "rows units"] | None = None

    @property
    def capabilities(self) -> frozenset[str]:
        """What this agent offers beyond `act`, and what its answers depend on."""
        # `super()` does not reach a cached property of a frozen class
        offered: frozenset[str] = TorchAgent.capabilities.func(self)  # type: ignore[attr-defined]
        return offered | {self._reading.needs}

    def within(self, context: Context) -> "ContextualAgent":
        """Return the agent that answers in this context.

        Raises:
            CapabilityError: The context lacks what its answers depend on.
        """
        return replace(self, context=self._reading.packed(context, self.name))

    @property
    def initial_memory(self) -> Float[np.ndarray, " units"]:
        """The memory at the start of every episode: zeros.

        Raises:
            CapabilityError: It remembers nothing.
        """
        return np.zeros(self._recurrent.n_units, dtype=np.float32)

    def next_memory(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the memory after these observations."""
        return self._forward(self._recurrent.memory_after, observations)

    def torch_preferences(self, observations: Tensor) -> Tensor:
        """Return differentiable preferences; the context is held, see `TorchAgent`."""
        self._require("gradients")
        device, dtype = placement(self.network.module)
        inputs = observations.to(device=device, dtype=dtype).flatten(start_dim=1)
        context = torch.as_tensor(self._rows(len(inputs)).copy(), device=device, dtype=dtype)
        return super().torch_preferences(torch.cat([inputs, context], dim=1))

    @property
    def _reading(self) -> ContextNetwork:
        return cast(ContextNetwork, self.network)

    @property
    def _recurrent(self) -> RecurrentNetwork:
        if self._reading.needs != "recurrent":
            raise CapabilityError(f"{self.name} ({self.framework}) has no memory")
        return cast(RecurrentNetwork, self.network)

    def _checked(self, observations: Observations) -> Observations:
        batch = super()._checked(observations)
        flat = batch.reshape(len(batch), math.prod(batch.shape[1:]))
        return np.concatenate([flat, self._rows(len(flat))], axis=1, dtype=np.float64)

    def _rows(self, n_rows: int) -> Float[np.ndarray, "rows units"]:
        if self.context is None:
            what = {"masks": "which actions are allowed", "recurrent": "what it saw before"}
            raise unbound(self.name, what[self._reading.needs])
        if len(self.context) not in (1, n_rows):
            raise ValueError(f"a context of {len(self.context)} rows for {n_rows} observations")
        return np.broadcast_to(self.context, (n_rows, self.context.shape[1]))


def split(rows: Tensor, space: Any) -> tuple[Tensor, Tensor]:
    """Return the observations, in their own shape and type, and the context behind them.

    Args:
        rows: Shape (batch, inputs + units).
        space: Of one observation: one array of numbers.
    """
    shape = tuple(space.shape or ())
    n_inputs = math.prod(shape)
    # real numbers stay as they came: gradients flow to them
    kind = np.dtype(space.dtype)
    wanted = torch.float32 if kind.kind == "f" else torch.from_numpy(np.zeros(0, kind)).dtype
    return rows[:, :n_inputs].reshape(-1, *shape).to(wanted), rows[:, n_inputs:]
