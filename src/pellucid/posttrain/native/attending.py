"""Attention from projections to what is read, with a gradient written by hand.

Turning by position, sharing of prompts, and the copies of keys and values that torch's attention
asks for are one pass here (`attention_compiled`). Gradients of gradients are not offered.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from pellucid.posttrain.native.attention_compiled import attend_block, attend_block_backward

MAX_KEYS = 256
"""Scores of a head are held at once: with more keys they would leave the nearest caches."""


class Place(NamedTuple):
    """Where a block of sequences lies and what its tokens read.

    Args:
        sizes: First token, sequences, tokens of each, tokens of the prompt before each.
        prompts: Shape (sequences,); the prompt of each; nothing without prompts.
        mask: Shape (sequences, length, prompt + length); nothing for all that came before.
    """

    sizes: tuple[int, int, int, int]
    prompts: np.ndarray
    mask: np.ndarray


class AttendedHeads(torch.autograd.Function):
    """What each token reads, from projections (N, query + 2 key-value heads, head width)."""

    @staticmethod
    def forward(
        ctx: Any,
        heads: Tensor,
        cosines: Tensor,
        sines: Tensor,
        n_query: int,
        places: tuple[Place, ...],
    ) -> Tensor:
        """Return what is read; cosines and sines have shape (N, head width / 2)."""
        found = heads.new_empty(len(heads), n_query, heads.shape[2])
        log_sums = heads.new_empty(n_query, len(heads))
        read = (heads.detach().numpy(), cosines.numpy(), sines.numpy(), n_query)
        for sizes, prompts, mask in places:
            attend_block(*read, sizes, prompts, mask, found.numpy(), log_sums.numpy())
        ctx.save_for_backward(heads, cosines, sines, log_sums)
        ctx.n_query, ctx.places = n_query, places
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the projections."""
        heads, cosines, sines, log_sums = ctx.saved_tensors
        result = torch.zeros_like(heads)
        read = (heads.detach().numpy(), cosines.numpy(), sines.numpy(), ctx.n_query)
        outer = gradient.contiguous().numpy()
        sums, of_heads = log_sums.numpy(), result.numpy()
        for sizes, prompts, mask in ctx.places:
            attend_block_backward(*read, sizes, prompts, mask, sums, outer, of_heads)
        return result, None, None, None, None


def attended_heads(
    heads: Tensor, cosines: Tensor, sines: Tensor, n_query: int, places: tuple[Place, ...]
) -> Float[Tensor, "tokens query width"]:
    """Return what each token reads; see `AttendedHeads`."""
    found: Tensor = AttendedHeads.apply(  # type: ignore[no-untyped-call]
        heads, cosines[:, 0, 0].contiguous(), sines[:, 0, 1].contiguous(), n_query, places
    )
    return found
