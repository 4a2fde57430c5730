"""The maps of a layer, each with the norm or sum beside it, with gradients written by hand.

Float32 on a CPU, with widths that fill the tiles of `products_compiled`; layers of other kinds are
made of torch's operations (`layers`). Gradients of gradients are not offered. Tests compare every
gradient with the automatic one.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pellucid.posttrain.native.feed_forward_compiled import feed_forward, feed_forward_backward
from pellucid.posttrain.native.fused import are_compiled_alone
from pellucid.posttrain.native.products_compiled import PANEL
from pellucid.posttrain.native.projections_compiled import (
    added_product,
    added_product_backward,
    normed_product,
    normed_product_backward,
)
from pellucid.posttrain.native.tiles_compiled import LANES


def fills_tiles(x: Tensor, *weights: Tensor) -> bool:
    """Whether compiled maps can read tokens of shape (N, width) and all of these weights."""
    if x.dim() != 2 or not are_compiled_alone(x, *weights):
        return False
    sizes = [size for weight in weights for size in weight.shape]
    return all(size % LANES == 0 and size >= PANEL for size in sizes)


class FedForward(torch.autograd.Function):
    """x + down(silu(gate n) · up n), n the scaled norm of x."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, gate_up: Tensor, down: Tensor, eps: float
    ) -> Tensor:
        """Return the tokens after the feed-forward half of a layer."""
        inverse, gates = x.new_empty(len(x)), x.new_empty(len(x), len(gate_up))
        result = torch.empty_like(x)
        written = _arrays(inverse, gates, result)
        feed_forward(np.float32(eps), *_arrays(x, scale, gate_up, down), *written)
        ctx.save_for_backward(x, scale, gate_up, down, inverse, gates)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of tokens, scale and both maps."""
        x, scale, gate_up, down, _, _ = ctx.saved_tensors
        result, of_scale = torch.empty_like(x), torch.zeros_like(scale, dtype=torch.float64)
        of_maps = torch.empty_like(gate_up), torch.empty_like(down)
        written = _arrays(gradient.contiguous(), result, of_scale, *of_maps)
        feed_forward_backward(*_arrays(*ctx.saved_tensors), *written)
        return result, of_scale.float(), *of_maps, None


class NormedProjection(torch.autograd.Function):
    """The scaled norm of x times the transposed weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, weight: Tensor, eps: float) -> Tensor:
        """Return the projections."""
        inverse, result = x.new_empty(len(x)), x.new_empty(len(x), len(weight))
        normed_product(np.float32(eps), *_arrays(x, scale, weight, inverse, result))
        ctx.save_for_backward(x, scale, weight, inverse)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of tokens, scale and weight."""
        x, scale, weight, _ = ctx.saved_tensors
        result, of_scale = torch.empty_like(x), torch.zeros_like(scale, dtype=torch.float64)
        of_weight = torch.empty_like(weight)
        written = _arrays(gradient.contiguous(), result, of_scale, of_weight)
        normed_product_backward(*_arrays(*ctx.saved_tensors), *written)
        return result, of_scale.float(), of_weight, None


class AddedProjection(torch.autograd.Function):
    """x plus what was found times the transposed weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, found: Tensor, weight: Tensor) -> Tensor:
        """Return the sums."""
        result = torch.empty_like(x)
        added_product(*_arrays(x, found, weight, result))
        ctx.save_for_backward(found, weight)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of tokens, of what was found, and of the weight."""
        found, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        result, of_weight = torch.empty_like(found), torch.empty_like(weight)
        added_product_backward(*_arrays(found, weight, gradient, result, of_weight))
        return gradient, result, of_weight


def fed_forward_with_norm(
    x: Tensor, scale: Tensor, gate_up: Tensor, down: Tensor, eps: float
) -> Tensor:
    """Return tokens after the feed-forward half of a layer; see `FedForward`."""
    found: Tensor = FedForward.apply(x, scale, gate_up, down, eps)  # type: ignore[no-untyped-call]
    return found


def normed_projection(x: Tensor, scale: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return the projections of normed tokens; see `NormedProjection`."""
    found: Tensor = NormedProjection.apply(x, scale, weight, eps)  # type: ignore[no-untyped-call]
    return found


def added_projection(x: Tensor, found: Tensor, weight: Tensor) -> Tensor:
    """Return tokens plus the projections of what was found; see `AddedProjection`."""
    result: Tensor = AddedProjection.apply(x, found, weight)  # type: ignore[no-untyped-call]
    return result


def _arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(tensor.detach().numpy() for tensor in tensors)
