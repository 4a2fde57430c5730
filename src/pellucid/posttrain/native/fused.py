"""Parts of a transformer layer with gradients written by hand.

Each saves less and goes over memory fewer times than what automatic differentiation makes of the
same formula; on a CPU that, beside the matrix products, is most of a layer's time. Gradients of
gradients are not offered. Tests compare every gradient with the automatic one.

Float32 on a CPU is computed by compiled loops (`fused_compiled`), all else by torch's operations.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from pellucid.posttrain.native.decoding_compiled import gate_rows
from pellucid.posttrain.native.fused_compiled import (
    gate_backward,
    scaled_norm_backward,
    turn,
)
from pellucid.posttrain.native.fused_compiled import scaled_norm as scaled_norm_rows

MAX_COMPILED_THREADS = 4
"""The loops use one thread: with more than so many, torch's operations are faster."""


def can_be_compiled(*tensors: Tensor) -> bool:
    """Whether compiled loops can read all of these."""
    return torch.get_num_threads() <= MAX_COMPILED_THREADS and all(
        x.dtype == torch.float32 and x.device.type == "cpu" and x.is_contiguous() for x in tensors
    )


def are_compiled_alone(*tensors: Tensor) -> bool:
    """Whether compiled loops can read all of these, and torch has no second thread to use.

    For what torch's operations spread over threads and the loops do not: matrix products.
    """
    return torch.get_num_threads() == 1 and can_be_compiled(*tensors)


def _rows(x: Tensor) -> np.ndarray:
    """Return a tensor as rows of its last dimension."""
    found: np.ndarray = x.detach().contiguous().view(-1, x.shape[-1]).numpy()
    return found


class UnitNorm(torch.autograd.Function):
    """x divided by the root of its mean square over the last dimension."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        """Return the unit vectors times the root of the width."""
        width = x.shape[-1]
        inverse = (
            torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            .square_()
            .div_(width)
            .add_(eps)
            .rsqrt_()
        )
        unit: Tensor = x * inverse
        ctx.save_for_backward(unit, inverse)
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return (g - u mean(g u)) / root, u the unit vectors."""
        unit, inverse = ctx.saved_tensors
        along = (gradient * unit).mean(-1, keepdim=True)
        return torch.addcmul(gradient, unit, along, value=-1).mul_(inverse), None


class ScaledNorm(torch.autograd.Function):
    """x divided by the root of its mean square over the last dimension, times a scale; compiled."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, eps: float) -> Tensor:
        """Return the scaled vectors."""
        result = torch.empty_like(x)
        inverse = x.new_empty(x.shape[:-1])
        scale_of = scale.detach().numpy()
        scaled_norm_rows(
            _rows(x), scale_of, np.float32(eps), inverse.view(-1).numpy(), _rows(result)
        )
        ctx.save_for_backward(x, scale, inverse)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of the vectors and of the scale."""
        x, scale, inverse = ctx.saved_tensors
        result = torch.empty_like(x)
        of_scale = torch.zeros_like(scale, dtype=torch.float64)
        scaled_norm_backward(
            _rows(x),
            scale.detach().numpy(),
            inverse.view(-1).numpy(),
            _rows(gradient),
            _rows(result),
            of_scale.numpy(),
        )
        return result, of_scale.float(), None


class Gated(torch.autograd.Function):
    """silu(gates) times what they let through, the halves of the last dimension; compiled."""

    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        """Return the products."""
        result = gate_up.new_empty(*gate_up.shape[:-1], gate_up.shape[-1] // 2)
        gate_rows(_rows(gate_up), _rows(result))
        ctx.save_for_backward(gate_up)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the gradient of both halves in one tensor."""
        (gate_up,) = ctx.saved_tensors
        result = torch.empty_like(gate_up)
        gate_backward(
            _rows(gate_up), _rows(gradient), _rows(result), _rows(torch.empty_like(gradient))
        )
        return result


class TurnedHeads(torch.autograd.Function):
    """Cuts projections into queries, keys and values, the first two turned by position.

    Inputs are the projections (..., N, heads, head width), all queries, then keys, then values; the
    cosines and signed sines (..., N, 1, 2, head width / 2); and the numbers of query and of
    key-value heads.
    """

    @staticmethod
    def forward(
        ctx: Any, flat: Tensor, cosines: Tensor, sines: Tensor, n_query: int, n_key_value: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values."""
        ctx.save_for_backward(cosines, sines)
        n_turned = n_query + n_key_value
        ctx.sizes, ctx.shape = (n_query, n_turned), flat.shape
        turned = flat.new_empty(*flat.shape[:-2], n_turned, flat.shape[-1])
        _turn(flat, cosines, sines, turned, 0, n_turned)
        return turned[..., :n_query, :], turned[..., n_query:, :], flat[..., n_turned:, :]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, queries: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Return the gradient of the projections in one tensor."""
        cosines, sines = ctx.saved_tensors
        n_query, n_turned = ctx.sizes
        result = queries.new_empty(ctx.shape)
        # turning back is turning by the opposite angle
        _turn(queries, cosines, -sines, result, 0, n_query)
        _turn(keys, cosines, -sines, result, n_query, n_turned - n_query)
        result[..., n_turned:, :] = values
        return result, None, None, None, None


def unit_norm(x: Tensor, eps: float) -> Tensor:
    """Return x divided by the root of its mean square over the last dimension."""
    found: Tensor = UnitNorm.apply(x, eps)  # type: ignore[no-untyped-call]
    return found


def scaled_norm(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Return the unit norm of x times a scale of shape (width,), if `can_be_compiled`."""
    found: Tensor = ScaledNorm.apply(x, scale, eps)  # type: ignore[no-untyped-call]
    return found


def gated(gate_up: Tensor) -> Tensor:
    """Return silu(gates) times what they let through, the halves of the last dimension."""
    if can_be_compiled(gate_up):
        found: Tensor = Gated.apply(gate_up)  # type: ignore[no-untyped-call]
        return found
    gate, up = gate_up.chunk(2, dim=-1)
    return functional.silu(gate) * up


def turned_heads(
    flat: Tensor, cosines: Tensor, sines: Tensor, *, n_query: int, n_key_value: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values; see `TurnedHeads`."""
    found: tuple[Tensor, Tensor, Tensor] = TurnedHeads.apply(  # type: ignore[no-untyped-call]
        flat, cosines, sines, n_query, n_key_value
    )
    return found


def _turn(
    x: Tensor, cosines: Tensor, sines: Tensor, result: Tensor, start: int, n_heads: int
) -> None:
    """Write the first heads, turned by their token's position, from a head of the result on."""
    if x.dim() == 3 and x.dtype == torch.float32 and can_be_compiled(cosines, sines, result):
        turn(
            x.detach().contiguous().numpy(),
            np.ascontiguousarray(cosines[:, 0, 0].numpy()),
            np.ascontiguousarray(sines[:, 0, 1].numpy()),
            result.numpy(),
            start,
            n_heads,
        )
        return
    first, second = x[..., :n_heads, :].chunk(2, dim=-1)
    to_first, to_second = result[..., start : start + n_heads, :].chunk(2, dim=-1)
    cosine, negative, sine = cosines[..., 0, :], sines[..., 0, :], sines[..., 1, :]
    torch.mul(first, cosine, out=to_first).addcmul_(second, negative)
    torch.mul(second, cosine, out=to_second).addcmul_(first, sine)
