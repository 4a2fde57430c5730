"""An agent one of whose hidden layers is moved by the same amount, whatever it sees.

The change is made through a hook that is gone again after each pass, also one that raised, and the
module itself is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pellucid.agents.hidden_layers import HiddenLayers
from pellucid.agents.metering import MeteredAgent
from pellucid.agents.torch_agent import Head, Network
from pellucid.errors import InputError
from pellucid.types import Agent, Observations


@dataclass(frozen=True, eq=False)
class SteeredNetwork:
    """A network whose hidden layer holds its own values and a constant on top.

    It offers no value and no last hidden layer: those may not pass the layer that is moved.

    Args:
        network: What is steered.
        layer: Which hidden layer, from 0.
        change: Shape (units,), what is added to it.
    """

    network: Network
    layer: int
    change: Float[np.ndarray, " units"]

    @property
    def module(self) -> nn.Module:
        """The module; it is never changed."""
        return self.network.module

    @property
    def head(self) -> Head:
        """What `outputs` returns."""
        return self.network.head

    @property
    def offers(self) -> frozenset[str]:
        """Sampling, if the network does."""
        return self.network.offers & {"sampling"}

    def with_module(self, module: nn.Module) -> "SteeredNetwork":
        """Return another module of that form, steered alike."""
        return replace(self, network=self.network.with_module(module))

    def prepare(self, observations: Observations, device: torch.device) -> Tensor:
        """Return observations as the tensor that the module takes."""
        return self.network.prepare(observations, device)

    def outputs(self, observations: Tensor) -> Tensor:
        """Return the outputs once the hidden layer is moved."""

        def moved(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            own = inputs[0]
            change = torch.as_tensor(self.change, dtype=own.dtype, device=own.device)
            return (own + change.reshape(own.shape[1:]), *inputs[1:])

        hook = self.network.layers()[self.layer + 1].register_forward_pre_hook(moved)
        try:
            return self.network.outputs(observations)
        finally:
            hook.remove()

    def greedy(self, outputs: Tensor) -> Tensor:
        """Return the column that the network chooses in each row of outputs."""
        return self.network.greedy(outputs)

    def latent(self, observations: Tensor) -> Tensor:
        """Raise: `offers` says so."""
        raise NotImplementedError("a steered network shows no last hidden layer")

    def value(self, observations: Tensor) -> Tensor:
        """Raise: `offers` says so."""
        raise NotImplementedError("a steered network predicts no value")

    def layers(self) -> Sequence[nn.Module]:
        """Return the weight layers of the network."""
        return self.network.layers()

    def value_layers(self) -> Sequence[nn.Module]:
        """Return the weight layers that lead to the value alone."""
        return self.network.value_layers()

    def path(self) -> Sequence[nn.Module]:
        """Return nothing: a faster way through the modules would miss the change."""
        return ()

    def counted(self) -> nn.Module:
        """Return the part whose weights are counted."""
        return self.network.counted()


def steered(layers: HiddenLayers, layer: int, change: Float[np.ndarray, " units"]) -> Agent:
    """Return the agent with a hidden layer moved, paid from the same meters.

    Args:
        layers: The hidden layers of an agent.
        layer: Which one, from 0.
        change: Shape (units,), what is added to what it holds; zeros change nothing.

    Raises:
        InputError: There is no such layer, or the change is no vector of finite numbers.
    """
    if not 0 <= layer < len(layers):
        raise InputError(f"expected a hidden layer from 0 to {len(layers) - 1}, got {layer}")
    if change.ndim != 1 or not np.isfinite(change).all():
        raise InputError("a hidden layer is moved by a vector of finite numbers, one per unit")
    inner = layers.agent
    network = SteeredNetwork(inner.network, layer, change)
    agent: Agent = replace(inner, name=f"{inner.name}, steered", network=network, file_sha256="")
    for meter in reversed(layers.meters):
        agent = MeteredAgent(agent, meter)
    return agent
