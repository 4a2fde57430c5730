"""Where a torch module keeps its state value: the second of a pair, or a method of its own."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.agents.row_tensors import elements_of
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


def value_of(
    module: nn.Module, observations: Tensor, source: str, name: str, space: Any = None
) -> Tensor:
    """Return a module's state values, shape (batch,).

    Args:
        module: A module with a value.
        observations: Shape (batch, *observation).
        source: `PAIR` or `METHOD`.
        name: The agent, for messages.
        space: The observation space; only rows (`envs.rows`) are given in another form.

    Raises:
        AgentError: What came is not one real number per observation.
    """
    values: Any
    seen = elements_of(observations, space)
    if source == PAIR:
        output = module(seen)
        first_of(output, source, name)
        values = output[1]
    else:
        values = getattr(module, METHOD)(seen)
    one_each = isinstance(values, Tensor) and values.numel() == len(observations)
    if not one_each or not values.is_floating_point():
        came = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise AgentError(
            f"{name} returned values of the form {came}, expected one number per observation"
        )
    column: Tensor = values.reshape(len(observations))
    return column


def works(module: nn.Module, observations: Tensor, name: str, space: Any = None) -> bool:
    """Whether a module's method tells values; if not, that is logged and the method left alone."""
    try:
        with undisturbed(module), torch.no_grad():
            value_of(module, observations, METHOD, name, space)
    except Exception as error:  # the user's own method, which may be for something else
        logger.warning("%s: its %s is not used: %s", name, METHOD, str(error)[:200])
        return False
    return True


def split_layers(
    module: nn.Module,
    paths: Sequence[str],
    rows: Tensor,
    source: str,
    name: str,
    space: Any = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which weight layers lead to the outputs, and which to the value alone.

    A layer leads to the outputs if they change with its weights: told by their gradient. Of a
    module that lets no gradient through, all layers count as leading to the outputs.

    Args:
        module: A module with a value.
        paths: Of all weight layers that an observation meets, in that order.
        rows: Observations, shape (batch, *observation).
        source: `PAIR` or `METHOD`.
        name: The agent, for messages.
        space: The observation space.
    """
    layers = {path: module.get_submodule(path) for path in paths}
    weights = {path: layer.get_parameter("weight") for path, layer in layers.items()}
    frozen = [weight for weight in weights.values() if not weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_(True)
        with undisturbed(module), torch.enable_grad():
            outputs = first_of(module(elements_of(rows, space)), source, name)
            leading = _moved_by(outputs.sum(), weights)
            valued = _moved_by(value_of(module, rows, source, name, space).sum(), weights)
    finally:
        for weight in frozen:
            weight.requires_grad_(False)
    if leading is None:
        return tuple(paths), ()
    return tuple(leading), tuple(path for path in valued or () if path not in leading)


def _moved_by(total: Tensor, weights: Mapping[str, Tensor]) -> list[str] | None:
    """Return the paths of the weights that a number changes with; None if no gradient tells."""
    if not total.requires_grad:
        return None
    told = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
    return [path for path, grad in zip(weights, told, strict=True) if grad is not None]


def all_layers(module: nn.Module) -> tuple[str, ...]:
    """Return the paths of all weight layers of a module, in the order of its making."""
    return tuple(
        path
        for path, part in module.named_modules()
        if (weight := part._parameters.get("weight")) is not None and weight.ndim >= 2
    )
