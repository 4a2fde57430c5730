"""What a network holds inside, and what it answers once a part of that is replaced.

A hidden layer is what feeds a weight layer other than the first, after its activation function.
Read and replaced through hooks that are gone again after each pass, also one that raised.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from pellucid.agents.acting import forward_in_chunks
from pellucid.agents.metering import MeteredAgent
from pellucid.agents.torch_agent import TorchAgent
from pellucid.agents.undisturbed import placement, undisturbed
from pellucid.budget import Meter
from pellucid.errors import AgentError, CapabilityError, PellucidError
from pellucid.types import Agent, Observations

HINT = "a torch network with a hidden layer; of any agent, perturbation tells which inputs matter"


@dataclass(frozen=True)
class HiddenLayers:
    """The hidden layers of an agent.

    Args:
        agent: The network.
        meters: Charged one query per row before each pass.
    """

    agent: TorchAgent
    meters: tuple[Meter, ...]

    def __len__(self) -> int:
        return self.agent.n_layers - 1

    def activations(self, observations: Observations) -> list[Float[np.ndarray, "rows units"]]:
        """Return what each hidden layer holds, one array per layer; one query per row.

        Args:
            observations: Shape (rows, *observation).

        Raises:
            AgentError: The network fails, or passes a layer more or less than once.
        """
        self._charge(len(observations))
        layers = self.agent.network.layers()[1:]
        device, _ = placement(self.agent.network.module)
        sizes: list[int] = []

        def one_chunk(rows: Any) -> Any:
            seen = _seen(self.agent, layers, self.agent.network.prepare(rows, device))
            sizes[:] = [part.shape[1] for part in seen]
            return torch.cat([part.double() for part in seen], dim=1).cpu().numpy()

        found = self._passed(one_chunk, observations)
        return np.split(found, np.cumsum(sizes)[:-1], axis=1)

    def patched(
        self,
        observations: Observations,
        layer: int,
        values: Float[np.ndarray, "rows units"],
    ) -> Float[np.ndarray, "rows outputs"]:
        """Return preferences once a hidden layer holds other values; one query per row.

        Args:
            observations: Shape (rows, *observation).
            layer: Which hidden layer, from 0.
            values: Shape (rows, units), what it holds in place of its own.

        Raises:
            AgentError: The network fails.
        """
        self._charge(len(observations))
        network = self.agent.network
        device, _ = placement(network.module)
        shape, dtype = observations.shape[1:], observations.dtype
        n_numbers = math.prod(shape)
        flat = np.asarray(observations).reshape(len(observations), n_numbers)

        def one_chunk(rows: Any) -> Any:
            seen = rows[:, :n_numbers].astype(dtype).reshape(-1, *shape)
            held = torch.as_tensor(rows[:, n_numbers:].copy(), device=device)
            hook = network.layers()[layer + 1].register_forward_pre_hook(
                lambda _, inputs: (held.to(inputs[0].dtype).reshape(inputs[0].shape), *inputs[1:])
            )
            try:
                return network.outputs(network.prepare(seen, device)).cpu().numpy()
            finally:
                hook.remove()

        # side by side, so that both stay together however rows are cut into chunks
        packed = np.concatenate([flat, values], axis=1, dtype=np.float64)
        return self.agent.preferred(self._passed(one_chunk, packed))

    def _passed(self, one_chunk: Any, rows: Shaped[np.ndarray, "rows ..."]) -> np.ndarray:
        try:
            with undisturbed(self.agent.network.module), torch.no_grad():
                return forward_in_chunks(one_chunk, np.asarray(rows))
        except PellucidError:
            raise
        except Exception as error:  # the module may be the user's own code
            lines = str(error).splitlines() or [""]
            raise AgentError(
                f"{self.agent.name} raised {type(error).__name__}: {lines[0][:160]}",
                hint="check that it was made for this environment",
            ) from error

    def _charge(self, n_rows: int) -> None:
        for meter in self.meters:
            meter.check_time()
            meter.charge(queries=n_rows)


def hidden_layers(agent: Agent) -> HiddenLayers:
    """Return the hidden layers of an agent, charged to its meters.

    Raises:
        CapabilityError: It is no torch network that sees its observation alone, or has no hidden
            layer.
    """
    meters: list[Meter] = []
    inner: Any = agent
    while isinstance(inner, MeteredAgent):
        meters.append(inner.meter)
        inner = inner.agent
    if not isinstance(inner, TorchAgent):
        raise CapabilityError(
            f"{agent.name} ({agent.framework}) shows no hidden layers: it is no torch network",
            hint=HINT,
        )
    if hasattr(inner, "within"):
        raise CapabilityError(
            f"{agent.name} answers within a context, and its hidden layers are not read alone",
            hint="an agent that sees its observation alone; memory tells what a recurrent one uses",
        )
    if inner.n_layers < 2:
        raise CapabilityError(
            f"{agent.name} has no hidden layer: its choices are linear in its inputs",
            hint="shapley or integrated-gradients, which explain the inputs",
        )
    return HiddenLayers(inner, tuple(meters))


def _seen(agent: TorchAgent, layers: Sequence[nn.Module], rows: Tensor) -> list[Tensor]:
    """Return what feeds each layer in one pass, shape (rows, units) each."""
    seen: list[list[Tensor]] = [[] for _ in layers]
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, own=own: own.append(inputs[0]))
        for layer, own in zip(layers, seen, strict=True)
    ]
    try:
        agent.network.outputs(rows)
    finally:
        for hook in hooks:
            hook.remove()
    if any(len(own) != 1 or len(own[0]) != len(rows) for own in seen):
        raise AgentError(
            f"{agent.name} does not pass each of its layers once, row by row",
            hint="a network that is passed from its first layer to its last",
        )
    return [own[0].reshape(len(rows), -1) for own in seen]
