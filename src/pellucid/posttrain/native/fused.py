"""Parts of a transformer layer with gradients written by hand.

Each saves less and goes over memory fewer times than what automatic differentiation makes of the
same formula; on a CPU that, beside the matrix products, is most of a layer's time. Gradients of
gradients are not offered. Tests compare every gradient with the automatic one.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


class Turned(NamedTuple):
    """Queries, keys and values of one block, each (rows, length, heads, head width)."""

    queries: Tensor
    keys: Tensor
    values: Tensor


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
        unit = x * inverse
        ctx.save_for_backward(unit, inverse)
        return unit

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return (g - u mean(g u)) / root, u the unit vectors."""
        unit, inverse = ctx.saved_tensors
        along = (gradient * unit).mean(-1, keepdim=True)
        return torch.addcmul(gradient, unit, along, value=-1).mul_(inverse), None


class GatedUnit(torch.autograd.Function):
    """silu(gate) · up, gate and up being the halves of the last dimension."""

    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        """Return what the gates let through."""
        gate, up = gate_up.chunk(2, dim=-1)
        ctx.save_for_backward(gate_up)
        return functional.silu(gate).mul_(up)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the gradient of both halves in one tensor."""
        (gate_up,) = ctx.saved_tensors
        gate, up = gate_up.chunk(2, dim=-1)
        result = torch.empty_like(gate_up)
        to_gate, to_up = result.chunk(2, dim=-1)
        torch.mul(gradient, functional.silu(gate), out=to_up)
        torch.ops.aten.silu_backward.grad_input(gradient * up, gate, grad_input=to_gate)
        return result


class TurnedHeads(torch.autograd.Function):
    """Cuts a flat row of projections into blocks of queries, keys and values, turned by position.

    Inputs are the projections (..., N, heads, head width), all queries, then keys, then values; the
    cosines and signed sines (..., N, 1, 2, head width / 2); the numbers of query and of key-value
    heads; and the (rows, length) of each block, rows of one model. Outputs are three tensors per
    block, each (all models' rows, length, heads, head width).
    """

    @staticmethod
    def forward(
        ctx: Any,
        flat: Tensor,
        cosines: Tensor,
        sines: Tensor,
        n_query: int,
        n_key_value: int,
        shapes: tuple[tuple[int, int], ...],
    ) -> tuple[Tensor, ...]:
        """Return queries, keys and values of each block, one after the other."""
        ctx.save_for_backward(cosines, sines)
        ctx.sizes, ctx.shape = (n_query, n_key_value, shapes), flat.shape
        n_turned = n_query + n_key_value
        turned = _turn(flat[..., :n_turned, :], cosines, sines)
        values = flat[..., n_turned:, :]
        found = []
        start = 0
        for rows, length in shapes:
            tokens = slice(start, start + rows * length)
            for part in (turned[..., :n_query, :], turned[..., n_query:, :], values):
                found.append(_block(part, tokens, length))
            start = tokens.stop
        return tuple(found)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the projections in one tensor."""
        cosines, sines = ctx.saved_tensors
        n_query, n_key_value, shapes = ctx.sizes
        result = gradients[0].new_empty(ctx.shape)
        n_turned = n_query + n_key_value
        heads = (slice(0, n_query), slice(n_query, n_turned), slice(n_turned, None))
        start = 0
        for index, (rows, length) in enumerate(shapes):
            tokens = slice(start, start + rows * length)
            for part, own in zip(gradients[3 * index :], heads, strict=False):
                place = result[..., tokens, own, :]
                place.copy_(part.reshape(place.shape))
            start = tokens.stop
        # turning back is turning by the opposite angle
        turned = result[..., :n_turned, :]
        turned.copy_(_turn(turned, cosines, -sines))
        return result, None, None, None, None, None


def unit_norm(x: Tensor, eps: float) -> Tensor:
    """Return x divided by the root of its mean square over the last dimension."""
    found: Tensor = UnitNorm.apply(x, eps)  # type: ignore[no-untyped-call]
    return found


def gated_unit(gate_up: Tensor) -> Tensor:
    """Return silu(gate) · up of the halves of the last dimension."""
    found: Tensor = GatedUnit.apply(gate_up)  # type: ignore[no-untyped-call]
    return found


def turned_heads(
    flat: Tensor,
    cosines: Tensor,
    sines: Tensor,
    *,
    n_query: int,
    n_key_value: int,
    shapes: tuple[tuple[int, int], ...],
) -> list[Turned]:
    """Return queries, keys and values of each block; see `TurnedHeads`."""
    found = TurnedHeads.apply(flat, cosines, sines, n_query, n_key_value, shapes)  # type: ignore[no-untyped-call]
    return [Turned(*found[i : i + 3]) for i in range(0, len(found), 3)]


def _turn(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Return each head turned by its token's position; pairs are (i, i + width / 2)."""
    first, second = x.chunk(2, dim=-1)
    cosine, negative, sine = cosines[..., 0, :], sines[..., 0, :], sines[..., 1, :]
    result = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    to_first, to_second = result.chunk(2, dim=-1)
    torch.mul(first, cosine, out=to_first).addcmul_(second, negative)
    torch.mul(second, cosine, out=to_second).addcmul_(first, sine)
    return result


def _block(x: Tensor, tokens: slice, length: int) -> Tensor:
    part = x[..., tokens, :, :]
    return part.reshape(-1, length, *x.shape[-2:])
