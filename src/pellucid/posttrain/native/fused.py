"""Parts of a transformer layer with gradients written by hand.

Each saves less and goes over memory fewer times than what automatic differentiation makes of the
same formula; on a CPU that, beside the matrix products, is most of a layer's time. Gradients of
gradients are not offered. Tests compare every gradient with the automatic one.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


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
        turned = torch.empty_like(flat[..., :n_turned, :])
        _turn(flat[..., :n_turned, :], cosines, sines, turned)
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
        _turn(queries, cosines, -sines, result[..., :n_query, :])
        _turn(keys, cosines, -sines, result[..., n_query:n_turned, :])
        result[..., n_turned:, :] = values
        return result, None, None, None, None


def unit_norm(x: Tensor, eps: float) -> Tensor:
    """Return x divided by the root of its mean square over the last dimension."""
    found: Tensor = UnitNorm.apply(x, eps)  # type: ignore[no-untyped-call]
    return found


def turned_heads(
    flat: Tensor, cosines: Tensor, sines: Tensor, *, n_query: int, n_key_value: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values; see `TurnedHeads`."""
    found: tuple[Tensor, Tensor, Tensor] = TurnedHeads.apply(  # type: ignore[no-untyped-call]
        flat, cosines, sines, n_query, n_key_value
    )
    return found


def _turn(x: Tensor, cosines: Tensor, sines: Tensor, result: Tensor) -> None:
    """Write each head turned by its token's position; pairs are (i, i + width / 2)."""
    first, second = x.chunk(2, dim=-1)
    to_first, to_second = result.chunk(2, dim=-1)
    cosine, negative, sine = cosines[..., 0, :], sines[..., 0, :], sines[..., 1, :]
    torch.mul(first, cosine, out=to_first).addcmul_(second, negative)
    torch.mul(second, cosine, out=to_second).addcmul_(first, sine)
