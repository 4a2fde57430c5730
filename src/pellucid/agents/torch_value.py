"""Where a torch module keeps its state value: the second of a pair, or a method of its own."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.agents.undisturbed import undisturbed
from pellucid.errors import AgentError

logger = logging.getLogger(__name__)

PAIR = "pair"
"""The module returns (outputs, value)."""
METHOD = "get_value"
"""The module has this method, from observations to values, as CleanRL names it."""
SUFFIX = "_and_value"
"""What a user adds to `logits` or `mean` for a module that returns a pair."""


def value_source(module: nn.Module, stated: str | None) -> str:
    """Return where a module keeps its value: `PAIR`, `METHOD`, or empty for nowhere."""
    if stated is not None and stated.endswith(SUFFIX):
        return PAIR
    return METHOD if callable(getattr(module, METHOD, None)) else ""


def first_of(output: Any, source: str, name: str) -> Any:
    """Return the outputs in what a module has returned.

    Raises:
        AgentError: A pair was promised and something else came.
    """
    if source != PAIR:
        return output
    if not isinstance(output, tuple | list) or len(output) != 2:
        raise AgentError(
            f"{name} returned a {type(output).__name__}, expected (outputs, value)",
            hint=f"leave {SUFFIX} out of --outputs if it returns one tensor",
        )
    return output[0]


def value_of(module: nn.Module, observations: Tensor, source: str, name: str) -> Tensor:
    """Return a module's state values, shape (batch,).

    Raises:
        AgentError: What came is not one real number per observation.
    """
    values: Any
    if source == PAIR:
        output = module(observations)
        first_of(output, source, name)
        values = output[1]
    else:
        values = getattr(module, METHOD)(observations)
    one_each = isinstance(values, Tensor) and values.numel() == len(observations)
    if not one_each or not values.is_floating_point():
        came = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise AgentError(
            f"{name} returned values of the form {came}, expected one number per observation"
        )
    column: Tensor = values.reshape(len(observations))
    return column


def works(module: nn.Module, observations: Tensor, name: str) -> bool:
    """Whether a module's method tells values; if not, that is logged and the method left alone."""
    try:
        with undisturbed(module), torch.no_grad():
            value_of(module, observations, METHOD, name)
    except Exception as error:  # the user's own method, which may be for something else
        logger.warning("%s: its %s is not used: %s", name, METHOD, str(error)[:200])
        return False
    return True


def split_layers(
    module: nn.Module, paths: Sequence[str], rows: Tensor, source: str, name: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which weight layers lead to the outputs, and which to the value alone.

    A layer leads to the outputs if they change with its weights: told by their gradient.

    Args:
        module: A module with a value.
        paths: Of all weight layers that an observation meets, in that order.
        rows: Observations in the form that the module takes.
        source: `PAIR` or `METHOD`.
        name: The agent, for messages.
    """
    layers = {path: module.get_submodule(path) for path in paths}
    weights = {path: layer.get_parameter("weight") for path, layer in layers.items()}
    frozen = [weight for weight in weights.values() if not weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_(True)
        with undisturbed(module), torch.enable_grad():
            outputs = first_of(module(rows), source, name).sum()
            told = torch.autograd.grad(outputs, list(weights.values()), allow_unused=True)
            leading = [p for p, g in zip(weights, told, strict=True) if g is not None]
            values = value_of(module, rows, source, name).sum()
            told = torch.autograd.grad(values, list(weights.values()), allow_unused=True)
    finally:
        for weight in frozen:
            weight.requires_grad_(False)
    valued = [p for p, g in zip(weights, told, strict=True) if g is not None and p not in leading]
    return tuple(leading), tuple(valued)


def all_layers(module: nn.Module) -> tuple[str, ...]:
    """Return the paths of all weight layers of a module, in the order of its making."""
    return tuple(
        path
        for path, part in module.named_modules()
        if (weight := part._parameters.get("weight")) is not None and weight.ndim >= 2
    )
