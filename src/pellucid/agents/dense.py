"""A fully connected network as matrices, for the preferences of very many rows on one core.

A pass through the module itself costs several times its products: calls of small modules, and a
hyperbolic tangent that is slow in torch on a CPU. Here the same layers are NumPy arrays, and rows
go through them in pieces that stay in a core's own cache. See `design/0009-dense-forward.md`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from threadpoolctl import ThreadpoolController
from torch import nn

from pellucid.agents.acting import fast_preferences, forward_in_chunks
from pellucid.agents.metering import MeteredAgent
from pellucid.types import Observations

PIECE_BYTES = 2**18
"""Activations of one layer that go through the network at once: two fit a core's own cache."""
MAX_PIECE_ROWS = 2048
MAX_UNITS = 512
"""Of a layer: beyond, products are large enough that the library's threads are worth theirs."""

AGREEMENT = 1e-4
"""Largest difference of two ways to the same preferences, relative to the largest (at least 1).

Rounding in single precision stays below; a layer that was missed does not.
"""

InPlaceFn: TypeAlias = Callable[[np.ndarray], object]
"""An activation that overwrites its argument."""
AnswerFn: TypeAlias = Callable[
    [Float[np.ndarray, "rows outputs"]], Float[np.ndarray, "rows outputs"]
]
"""What the network's outputs mean: preferences, or an error."""


def _tanh(units: np.ndarray) -> object:
    return np.tanh(units, out=units)


def _relu(units: np.ndarray) -> object:
    return np.maximum(units, 0, out=units)


def _identity(units: np.ndarray) -> object:
    return units


_ACTIVATIONS: dict[type[nn.Module], InPlaceFn] = {
    nn.Tanh: _tanh,
    nn.ReLU: _relu,
    nn.Identity: _identity,
}


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """One layer.

    Args:
        weight: Shape (inputs, units).
        bias: Shape (units,).
        activation_fn: Follows the product.
    """

    weight: Float[np.ndarray, "inputs units"]
    bias: Float[np.ndarray, " units"]
    activation_fn: InPlaceFn = _identity


@dataclass(frozen=True, eq=False)
class DenseForward:
    """Preferences by matrices alone; equal to the module's own up to rounding.

    Every pass has one fixed number of rows, so that the bytes of a row's result do not depend on
    how many were asked for together.

    Args:
        layers: From the observation on.
        answer_fn: From outputs to preferences.
    """

    layers: tuple[DenseLayer, ...]
    answer_fn: AnswerFn

    def __call__(self, observations: Observations) -> Float[np.ndarray, "batch outputs"]:
        """Return preferences for observations of any shape; each is one flat row here."""
        rows = np.asarray(observations, dtype=self.layers[0].weight.dtype)
        # one thread: for products this small several wait for each other, hundreds of times longer
        # than they work if another process wants a core. An overflow is found by `answer_fn`
        with _blas().limit(limits=1), np.errstate(over="ignore", invalid="ignore"):
            outputs = forward_in_chunks(
                self._pass, rows.reshape(len(rows), math.prod(rows.shape[1:])), self.piece_rows
            )
        return self.answer_fn(outputs)

    @property
    def piece_rows(self) -> int:
        """Rows of one pass, a power of two."""
        widest = max(layer.bias.nbytes for layer in self.layers)
        return min(MAX_PIECE_ROWS, 1 << max(0, math.floor(math.log2(PIECE_BYTES / widest))))

    def _pass(self, units: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "rows outputs"]:
        for layer in self.layers:
            units = units @ layer.weight
            units += layer.bias
            layer.activation_fn(units)
        return units


def dense_forward(modules: Sequence[nn.Module], answer_fn: AnswerFn) -> DenseForward | None:
    """Return modules that are passed one after another as matrices.

    Args:
        modules: From the observation to the outputs.
        answer_fn: From outputs to preferences.

    Returns:
        None if there is anything but linear layers of real numbers on the CPU, of at most
        `MAX_UNITS`, with at most one known activation behind each, or if anything hooks into them.
    """
    layers: list[DenseLayer] = []
    may_activate = False
    for position, module in enumerate(_flattened(modules)):
        if module._forward_hooks or module._forward_pre_hooks:
            return None
        if type(module) is nn.Linear:
            layer = _layer(module)
            if layer is None:
                return None
            layers.append(layer)
        elif may_activate and type(module) in _ACTIVATIONS:
            layers[-1] = replace(layers[-1], activation_fn=_ACTIVATIONS[type(module)])
        elif position > 0 or type(module) is not nn.Flatten:
            return None
        may_activate = type(module) is nn.Linear
    sizes = [size for layer in layers for size in layer.weight.shape]
    return (
        DenseForward(tuple(layers), answer_fn) if 0 < max(sizes, default=0) <= MAX_UNITS else None
    )


def dense_network(agent: Any) -> DenseForward | None:
    """Return the layers behind an agent's choices; None unless it is made of plain ones.

    Reading weights asks the agent nothing, so that no query is charged.

    Args:
        agent: Any agent, also one that is metered.
    """
    inner = agent.agent if isinstance(agent, MeteredAgent) else agent
    found = fast_preferences(inner)
    return found if isinstance(found, DenseForward) else None


def activation_name(layer: DenseLayer) -> str:
    """Return `relu`, `tanh` or `identity`.

    Args:
        layer: A layer that `dense_forward` made.
    """
    names: dict[InPlaceFn, str] = {_tanh: "tanh", _relu: "relu", _identity: "identity"}
    return names[layer.activation_fn]


def close(
    found: Float[np.ndarray, "rows outputs"], expected: Float[np.ndarray, "rows outputs"]
) -> bool:
    """Whether two ways say the same, up to `AGREEMENT`; NaN is close to nothing."""
    if found.shape != expected.shape:
        return False
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    return bool((np.abs(found - expected) <= AGREEMENT * scale).all())


def _flattened(modules: Sequence[nn.Module]) -> list[nn.Module]:
    found: list[nn.Module] = []
    for module in modules:
        nested = type(module) is nn.Sequential
        plain = nested and not (module._forward_hooks or module._forward_pre_hooks)
        found += _flattened(list(module.children())) if plain else [module]
    return found


@lru_cache
def _blas() -> Any:
    return ThreadpoolController().select(user_api="blas")


def _layer(module: nn.Linear) -> DenseLayer | None:
    weight, bias = module.weight.detach(), module._parameters.get("bias")
    known = weight.layout == torch.strided and weight.dtype in (torch.float32, torch.float64)
    if not known or weight.device.type != "cpu":
        return None
    columns = weight.numpy().T.copy()
    if bias is None:
        return DenseLayer(columns, np.zeros(columns.shape[1], dtype=columns.dtype))
    return DenseLayer(columns, bias.detach().numpy().copy())
